"""Conditional and range requests of RFC 9110, as far as blobs and manifests need them. Pure.

Rule: what is malformed is ignored, as the RFC says, and the whole blob is sent; so are several ranges at once.
"""

from __future__ import annotations

import re

_ONE_RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")


class NotSatisfiable(Exception):
    """The range begins behind the last byte."""


def matches_any(header: str, digest: str) -> bool:
    """Whether an `If-None-Match` names this digest, or anything. Clients send it with and without quotes."""
    tags = [part.strip().removeprefix("W/").strip('"') for part in header.split(",")]
    return digest in tags or "*" in tags


def one_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(first byte, byte after the last) of a single range; None means the whole. Raise NotSatisfiable."""
    match = _ONE_RANGE.fullmatch((header or "").replace(" ", ""))
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size
    else:
        start = int(match[1])
        if match[2] and int(match[2]) < start:
            return None
        end = min(int(match[2]) + 1, size) if match[2] else size
    if start >= end:
        raise NotSatisfiable
    return start, end
