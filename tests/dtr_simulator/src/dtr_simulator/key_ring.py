"""The keys that sign grants, as files.

Owns: `<state>/keys/`: one PEM private key a file, `0001.pem`, `0002.pem`, …; the highest name signs, all are published.
Does not own: what is signed (grants.py).
Rule: a file that is no usable key is said and skipped at a re-read, never a reason to stop signing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from . import jws
from .refusals import Refused


def write_private_key(path: Path, private: Any) -> None:
    """PKCS 8 PEM, readable by the owner only, complete or absent."""
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    beside.replace(path)


def read_signing_key(path: Path) -> jws.SigningKey:
    """Raise Refused when the file is not an unencrypted PEM key of a known algorithm."""
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        return jws.SigningKey.of(private)  # type: ignore[arg-type]
    except OSError as error:
        raise Refused([f"{path}: cannot be read ({error.strerror})"]) from None
    except (ValueError, TypeError, AttributeError):
        wanted = "an unencrypted PEM key: Ed25519, P-256 or RSA of at least 2048 bits"
        raise Refused([f"{path}: found something else, wanted {wanted}"]) from None


class KeyRing:
    """`signing` is the key of new grants; `keys` (kid → key) are those that still count."""

    def __init__(self, folder: Path, algorithm: str, say: Callable[[str], None]) -> None:
        self._folder, self._algorithm, self._say = folder, algorithm, say
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._files: dict[str, jws.SigningKey] = {}
        self.reload()
        if not self._files or self.signing.algorithm != algorithm:
            self.rotate()

    @property
    def signing(self) -> jws.SigningKey:
        return self._files[max(self._files)]

    @property
    def keys(self) -> Mapping[str, jws.SigningKey]:
        return {key.kid: key for key in self._files.values()}

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.jwk() for key in self._files.values()]}

    def reload(self) -> None:
        """Read the folder again: added files count, removed ones no longer."""
        found = {}
        for path in sorted(self._folder.glob("*.pem")):
            try:
                found[path.name] = read_signing_key(path)
            except Refused as refused:
                self._say(f"key skipped: {refused}")
        if found or not self._files:
            self._files = found
        else:
            self._say(f"keys unchanged: {self._folder} holds no usable key, wanted at least one")

    def rotate(self) -> jws.SigningKey:
        """A new key signs from now on; the old ones stay until they are dropped."""
        numbers = [int(name[:-4]) for name in self._files if name[:-4].isdigit()]
        path = self._folder / f"{max(numbers, default=0) + 1:04}.pem"
        write_private_key(path, jws.generate(self._algorithm))
        self.reload()
        return self.signing

    def drop(self, kid: str) -> bool:
        """Forget a key. False if it is unknown or the one that signs."""
        if kid == self.signing.kid:
            return False
        for name, key in list(self._files.items()):
            if key.kid == kid:
                (self._folder / name).unlink(missing_ok=True)
                del self._files[name]
                return True
        return False
