"""Several ranges in one answer: a `multipart/byteranges` body (RFC 9110 §14.6)."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..delivery.delivery import Delivery, FilePart
from ..values.byte_range import ByteRange

NO_BOUNDARY = "0" * 24  # as long as every boundary


def new_boundary() -> str:
    return secrets.token_hex(len(NO_BOUNDARY) // 2)


def length(ranges: list[ByteRange], total: int, boundary: str) -> int:
    """Bytes of the whole body."""
    parts = sum(len(_part_head(piece, total, boundary)) + piece.length for piece in ranges)
    return parts + len(_closing(boundary))


async def pieces(
    delivery: Delivery, ranges: list[ByteRange], total: int, boundary: str
) -> AsyncGenerator[FilePart | bytes]:
    for piece in ranges:
        before = _part_head(piece, total, boundary)
        async with aclosing(delivery.pieces(piece)) as parts:
            async for part in parts:
                if before:
                    yield before
                    before = b""
                yield part
    yield _closing(boundary)


def _part_head(piece: ByteRange, total: int, boundary: str) -> bytes:
    return (
        f"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Range: {piece.content_range(total)}\r\n\r\n"
    ).encode()


def _closing(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode()
