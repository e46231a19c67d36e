"""base64url of RFC 7515 §2: no padding, no other alphabet, and one spelling only for each byte string."""

from __future__ import annotations

import base64
import re

_TEXT = re.compile(r"[A-Za-z0-9_-]*")


def decode(text: str) -> bytes:
    """Raise ValueError unless `text` is what `encode` would have written; the bits left over must be zero."""
    if not _TEXT.fullmatch(text) or len(text) % 4 == 1:
        raise ValueError("not unpadded base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not the canonical base64url spelling")
    return data


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
