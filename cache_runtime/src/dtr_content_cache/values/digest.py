"""A digest is a type that cannot be wrong: once it exists, it is safe in a path, a URL and a header."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Digest:
    """The content address of a blob: SHA-256, written `sha256:<64 lower-case hex>` (OCI image-spec, descriptor.md).

    `hex` is the 64 characters; `str(digest)` the written form.
    """

    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Raise ValueError unless `text` is exactly the written form; nothing is normalised."""
        match = _DIGEST.fullmatch(text)
        if not match:
            raise ValueError(f"a digest is sha256:<64 lower-case hex digits>, found {text[:80]!r}")
        return cls(match[1])

    def __str__(self) -> str:
        return "sha256:" + self.hex
