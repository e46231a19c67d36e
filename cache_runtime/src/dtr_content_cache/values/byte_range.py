"""Byte ranges of RFC 9110 §14, read strictly and resolved against a known length."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SPEC = re.compile(r"([0-9]{0,19})-([0-9]{0,19})")
RANGES_LIMIT = 16

AskedRange = tuple[int | None, int | None]  # (first, last); first None: the last <last> bytes; last None: to the end


class RangeNotSatisfiable(Exception):
    """No part of the blob lies inside the asked ranges: the answer is 416."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes `start` … `end`-1 of a blob; `end` is exclusive, `start` < `end` unless the blob is empty.

    `open_ended`: asked as "from `start` to the end", as a client does that goes on after a break.
    """

    start: int
    end: int
    open_ended: bool = field(default=False, compare=False)

    @property
    def length(self) -> int:
        return self.end - self.start

    def content_range(self, total_bytes: int) -> str:
        return f"bytes {self.start}-{self.end - 1}/{total_bytes}"


def parse_ranges(header: str | None) -> tuple[AskedRange, ...] | None:
    """The pairs of a `Range` header.

    None for no header and for anything that RFC 9110 lets a server ignore: another unit, malformed sets, more than
    16 ranges. The answer is then the whole blob.
    """
    if header is None or header[:6].lower() != "bytes=":
        return None
    pairs: list[AskedRange] = []
    for part in header[6:].split(","):
        part = part.strip(" \t")
        if not part:
            continue
        match = _SPEC.fullmatch(part)
        if not match or part == "-":
            return None
        first = int(match[1]) if match[1] else None
        last = int(match[2]) if match[2] else None
        if first is not None and last is not None and last < first:
            return None
        pairs.append((first, last))
        if len(pairs) > RANGES_LIMIT:
            return None
    return tuple(pairs) or None


def resolve_ranges(pairs: tuple[AskedRange, ...], total_bytes: int) -> list[ByteRange]:
    """The asked pieces that exist in a blob of `total_bytes`. Raise RangeNotSatisfiable when none does.

    Ranges that together ask for more than the blob has (overlapping floods, RFC 9110 §14.2) become one whole range.
    """
    found = []
    for first, last in pairs:
        if first is None:
            start, end = max(0, total_bytes - (last or 0)), total_bytes
        else:
            start, end = first, total_bytes if last is None else min(last + 1, total_bytes)
        if start < end:
            found.append(ByteRange(start, end, open_ended=first is not None and last is None))
    if not found:
        raise RangeNotSatisfiable
    if len(found) > 1 and sum(piece.length for piece in found) > total_bytes:
        return [ByteRange(0, total_bytes)]
    return found
