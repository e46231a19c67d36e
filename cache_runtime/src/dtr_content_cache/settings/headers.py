"""Names with values that an operator adds: header fields of every answer, fields of every log line.

Rule for editors: a value may be a secret and is never quoted; what would break the framing of HTTP is refused."""

from __future__ import annotations

import re

from .kinds import each_good, text
from .reading_point import Point, Unwanted

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FRAMING_HEADERS = frozenset(
    ["connection", "content-encoding", "content-length", "content-range", "keep-alive", "trailer", "transfer-encoding"]
)


def fields(at: Point) -> tuple[tuple[str, str], ...]:
    """Names and texts added to log lines."""
    entries = at.entries("wanted a mapping of names to texts")
    return tuple(zip(entries, each_good(list(entries.values()), text), strict=False))


def headers(at: Point) -> tuple[tuple[str, str], ...]:
    """Header fields as the registry writes them, `Name: [value, …]`. Values may be secrets and are never quoted."""
    pairs: list[tuple[str, str]] = []
    for name, point in at.entries("wanted a mapping of header names to lists of values").items():
        try:
            _check_header_name(name)
            values = point.items("wanted a list of values, such as [nosniff]")
            pairs += [(name, value) for value in each_good(values, _header_value)]
        except ValueError as error:
            point.refuse(Unwanted(str(error), getattr(error, "found", "") or "a single value"))
    return tuple(pairs)


def _check_header_name(name: str) -> None:
    if not _HEADER_NAME.fullmatch(name):
        raise Unwanted("wanted a header name of letters, digits and hyphens", "a name with other characters")
    if name.lower() in _FRAMING_HEADERS:
        raise Unwanted("wanted none: the cache sets it itself", "a header that frames the answer")


def _header_value(at: Point) -> str:
    if at.node.value is None or isinstance(at.node.value, list | dict):
        raise Unwanted("wanted a text")
    if not at.node.text.isascii() or not at.node.text.isprintable():
        raise Unwanted("wanted a text of printable ASCII characters", "a value with other characters")
    return at.node.text.strip()
