"""base64url of RFC 7515 §2: no padding, no other alphabet, and one spelling only for each byte string."""

from __future__ import annotations

import base64
import re

_TEXT = re.compile(r"[A-Za-z0-9_-]*")
# By the characters beyond whole groups of four: what the last may be, its unused bits zero. One alone says nothing.
_LAST = {1: "", 2: "AQgw", 3: "AEIMQUYcgkosw048"}


def decode(text: str) -> bytes:
    """Raise ValueError unless `text` is what `encode` would have written; the bits left over must be zero."""
    beyond = len(text) % 4
    if not _TEXT.fullmatch(text) or (beyond and text[-1] not in _LAST[beyond]):
        raise ValueError("not unpadded base64url in its canonical spelling")
    return base64.urlsafe_b64decode(text + "=" * (-beyond % 4))


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
