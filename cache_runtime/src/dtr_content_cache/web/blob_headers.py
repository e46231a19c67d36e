"""The headers of a blob's answers: what every answer about a blob says, and what its length and type are. Pure."""

from __future__ import annotations

from functools import lru_cache

from ..observation.cache_status import cache_status
from ..values.byte_range import ByteRange
from . import multipart
from .answers import API_VERSION, Answer, Headers, error, header_lines, rest_of_head

_REMEMBERED_HEADS = 4096


def blob_headers(digest: str) -> Headers:
    return (
        API_VERSION,
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", "max-age=31536000"),
        ("Docker-Content-Digest", digest),
        ("ETag", f'"{digest}"'),
        ("X-Content-Type-Options", "nosniff"),
    )


def shape(ranges: list[ByteRange], partial: bool, total: int, digest: str, boundary: str) -> tuple[Headers, int, int]:
    """(headers, status, body length) of the pieces `ranges`; `partial`: they were asked as ranges."""
    headers = blob_headers(digest)
    if len(ranges) == 1:
        piece = ranges[0]
        headers = (*headers, ("Content-Type", "application/octet-stream"))
        if not partial:
            return headers, 200, total
        return (*headers, ("Content-Range", piece.content_range(total))), 206, piece.length
    boundary = boundary or multipart.NO_BOUNDARY  # a HEAD tells the length that the GET will have
    content_type = ("Content-Type", f"multipart/byteranges; boundary={boundary}")
    return (*headers, content_type), 206, multipart.length(ranges, total, boundary)


@lru_cache(maxsize=_REMEMBERED_HEADS)
def rest_of_hit(digest: str, total: int, extra: Headers) -> bytes:
    """The head of a whole blob's answer from the volume, without its first lines; `extra` are the operator's headers.
    The connection stays open after it."""
    headers, _, length = shape([ByteRange(0, total)], False, total, digest, "")
    return rest_of_head((*headers, ("Cache-Status", cache_status("hit")), *extra), length, close=False)


def rest_of_part(digest: str, piece: ByteRange, total: int, extra: Headers) -> bytes:
    """As `rest_of_hit`, of the one range `piece` of a blob of `total` bytes."""
    before, behind = _around_part(digest, extra)
    between = f"Content-Range: {piece.content_range(total)}\r\n".encode()
    return b"%b%b%bContent-Length: %d\r\n\r\n" % (before, between, behind, piece.length)


@lru_cache(maxsize=_REMEMBERED_HEADS)
def _around_part(digest: str, extra: Headers) -> tuple[bytes, bytes]:
    """The header lines before and behind Content-Range: the same for all parts of a blob."""
    headers, _, _ = shape([ByteRange(0, 0)], False, 0, digest, "")
    return header_lines(headers), header_lines((("Cache-Status", cache_status("hit")), *extra))


def unsatisfiable(digest: str, total: int) -> Answer:
    answer = error(416, "RANGE_INVALID", "invalid range: failed to overlap", digest)
    answer.headers = (*answer.headers, ("Content-Range", f"bytes */{total}"), ("Accept-Ranges", "bytes"))
    return answer
