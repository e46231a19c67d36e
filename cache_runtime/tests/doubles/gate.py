"""An origin's gate and one grant that is right in everything; each test spoils one thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dtr_content_cache.admission import Grant, KeySet, admit, parse_discovery
from dtr_content_cache.values.blob_address import BlobAddress
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.failures import GrantRefused

from .signing import ORIGIN, Signer, discovery_document

NOW_S = 1_800_000_000
SKEW_S = 30
DIGEST = "sha256:" + "5a" * 32
ADDRESS = BlobAddress("org/app", Digest.parse(DIGEST))


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good grant; a change to None leaves one out."""
    members = {
        "ver": 1, "iss": ORIGIN, "sub": "alice", "repo": "org/app", "digest": DIGEST, "act": "pull",
        "iat": NOW_S - 10, "exp": NOW_S + 290, "jti": "5f0c1d2e",
    } | changes  # fmt: skip
    return {name: value for name, value in members.items() if value is not None}


@dataclass
class Gate:
    """An origin with one key, and the question whether a query passes."""

    signer: Signer
    keys: KeySet = field(init=False)

    def __post_init__(self) -> None:
        self.keys = parse_discovery(discovery_document(self.signer.jwk())).keys

    def token(self, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        return self.signer.token(self.signer.header(**(header or {})), claims(**changes))

    def ask(self, query: str, address: BlobAddress = ADDRESS, now_s: float = NOW_S, skew_s: float = SKEW_S) -> Grant:
        return admit(address, query, self.keys, now_s, skew_s)

    def reason(self, query: str, **how: Any) -> str:
        """Why it is refused; "admitted" where it is not."""
        try:
            self.ask(query, **how)
        except GrantRefused as refusal:
            return refusal.reason
        return "admitted"


_SIGNERS: dict[str, Signer] = {}


def signer(algorithm: str) -> Signer:
    if algorithm not in _SIGNERS:
        _SIGNERS[algorithm] = Signer(algorithm)
    return _SIGNERS[algorithm]
