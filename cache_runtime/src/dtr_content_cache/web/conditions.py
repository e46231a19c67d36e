"""What the request's `Range` and `If-…` headers ask of a blob (RFC 9110 §13, §14). Pure.

A blob's entity tag is its digest in quotes, always strong. Rule for editors: what a server may ignore is ignored, and
the answer is then the whole blob.
"""

from __future__ import annotations

from ..values.byte_range import ByteRange, RangeNotSatisfiable, parse_ranges, resolve_ranges
from .request_head import Request

CONDITIONAL_HEADERS = frozenset(("range", "if-range", "if-match", "if-none-match"))  # all that is read here


def wanted_pieces(request: Request, digest: str, total: int) -> tuple[list[ByteRange], bool]:
    """(the pieces to send, whether they were asked as ranges); no piece where no asked byte exists.

    The whole blob without a usable Range; an empty one has no part that could be asked.
    """
    pairs = parse_ranges(request.headers.get("range"))
    if_range = request.headers.get("if-range")
    if pairs is None or total == 0 or (if_range is not None and if_range != f'"{digest}"'):
        return [ByteRange(0, total)], False
    try:
        return resolve_ranges(pairs, total), True
    except RangeNotSatisfiable:
        return [], True


def client_has_it(request: Request, digest: str) -> bool:
    """Does If-None-Match name this blob? Then the answer is 304."""
    header = request.headers.get("if-none-match")
    return header is not None and (header.strip() == "*" or f'"{digest}"' in _tags(header))


def precondition_fails(request: Request, digest: str) -> bool:
    """Does If-Match name other blobs only? Then the answer is 412."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return False
    return f'"{digest}"' not in [tag.strip() for tag in header.split(",")]


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]
