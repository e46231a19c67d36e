"""What an upstream's response head says, read strictly: whatever can be read two ways is a fault of the upstream."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

HEAD_LIMIT_BYTES = 64 * 1024
RETRY_AFTER_LIMIT_S = 3600
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})")


class HopFailed(Exception):
    """This hop could not deliver; another may. `retry_after_s` is what it asked for, or None; `limited`: it wants fewer
    questions (429), and until then none."""

    def __init__(
        self, reason: str, retry_after_s: int | None = None, tls: bool = False, *, limited: bool = False
    ) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.tls = tls
        self.limited = limited


class HopLooped(HopFailed):
    """Its own way to the answer leads back to a cache that has asked already: asking it again does not help."""

    def __init__(self) -> None:
        super().__init__("its own upstreams lead in a circle (status 508)")


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """`headers` are lower-cased, in order. `length` is the body's, None for chunked or until-close bodies."""

    status: int
    http_minor: int
    headers: tuple[tuple[str, str], ...]
    length: int | None
    chunked: bool

    def get(self, name: str) -> str | None:
        for key, value in self.headers:
            if key == name:
                return value
        return None

    @property
    def keeps_alive(self) -> bool:
        connection = (self.get("connection") or "").lower()
        framed = self.length is not None or self.chunked
        return self.http_minor == 1 and framed and "close" not in connection

    def content_range(self) -> tuple[int, int, int] | None:
        """(start, end exclusive, total) of a 206, or None where it is missing or makes no sense."""
        match = _CONTENT_RANGE.fullmatch(self.get("content-range") or "")
        if not match:
            return None
        start, last, total = (int(group) for group in match.groups())
        return (start, last + 1, total) if start <= last < total else None

    def date_s(self) -> float | None:
        """When it was answered, by the answerer's clock; None where that is not told, or by a store on the way."""
        return None if self.get("age") else _http_date_s(self.get("date") or "")

    def retry_after_s(self, wall: Callable[[], float] = time.time) -> int | None:
        """For how long it asks to be left alone, at most an hour; None where it does not, or not understandably.

        A date counts from the answer's own `Date`, so that nobody's clock matters; without one from `wall`.
        """
        value = self.get("retry-after") or ""
        if re.fullmatch(r"[0-9]{1,9}", value):
            return min(int(value), RETRY_AFTER_LIMIT_S)
        until_s, now_s = _http_date_s(value), _http_date_s(self.get("date") or "")
        if until_s is None:
            return None
        return max(0, min(math.ceil(until_s - (wall() if now_s is None else now_s)), RETRY_AFTER_LIMIT_S))


def parse_response_head(head: bytes, *, bodiless: bool) -> ResponseHead:
    """`head` ends before the empty line. `bodiless`: the answer to a HEAD. Raise HopFailed for a malformed one."""
    lines = head.split(b"\r\n")
    status_line = _STATUS_LINE.fullmatch(lines[0])
    if not status_line:
        raise HopFailed("the answer does not begin with an HTTP/1.x status line")
    headers = []
    for line in lines[1:]:
        field = _FIELD.fullmatch(line)
        if not field:
            raise HopFailed("the answer has a malformed header line")
        headers.append((field[1].decode("ascii").lower(), field[2].decode("latin-1").strip(" \t")))
    status = int(status_line[1])
    length, chunked = _framing(headers)
    if chunked and head[7:8] == b"0":
        raise HopFailed("an HTTP/1.0 answer with Transfer-Encoding")
    if bodiless or status in (204, 304):
        chunked = False
    if (encoding := _only(headers, "content-encoding")) and encoding.lower() != "identity":
        raise HopFailed(f"the body is encoded ({encoding[:20]}), which nobody asked for")
    return ResponseHead(status, head[7] - 48, tuple(headers), length, chunked)


def _framing(headers: list[tuple[str, str]]) -> tuple[int | None, bool]:
    lengths = [value for name, value in headers if name == "content-length"]
    codings = [value for name, value in headers if name == "transfer-encoding"]
    if lengths and codings:
        raise HopFailed("the answer has both Content-Length and Transfer-Encoding")
    if codings:
        if [coding.lower() for coding in codings] != ["chunked"]:
            raise HopFailed("the answer has a transfer coding other than chunked")
        return None, True
    if not lengths:
        return None, False
    if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,18}", lengths[0]):
        raise HopFailed("the answer has a malformed Content-Length")
    return int(lengths[0]), False


def _http_date_s(value: str) -> float | None:
    """Seconds since the epoch of an HTTP date in any of its three forms."""
    try:
        found = parsedate_to_datetime(value)
        return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _only(headers: list[tuple[str, str]], name: str) -> str | None:
    values = [value for key, value in headers if key == name]
    return ", ".join(values) if values else None
