"""A request head, read strictly: what RFC 9112 calls malformed or two programs could read differently is refused.

Pure: bytes in, a Request or HeadRefused out. This is the only HTTP parser in front of blobs, and it serves a server
without request bodies; so it knows less than a general one, on purpose. Rule for editors: never repair, never guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

HEAD_LIMIT_BYTES = 32 * 1024
HEADERS_LIMIT = 100
_REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) ([!$&-;=?@-Z_a-z~%\[\]]{1,16384}) HTTP/([0-9])\.([0-9])")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]{0,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
_CREDENTIALS = re.compile(rb"authorization", re.IGNORECASE)
_REMEMBERED_BYTES = 1024  # of header lines
_BARE_LF = re.compile(rb"(?<!\r)\n")
_ONCE = frozenset(
    ("host", "content-length", "transfer-encoding", "range", "if-range", "if-match", "authorization", "content-type")
)


class HeadRefused(Exception):
    """`status` 400, 431 or 505, and a sentence for the client. The connection is closed after it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Request:
    """`path` and `query` as they were sent, nothing decoded; `headers` by lower-case name, repeated ones joined, shared
    with other requests: nobody writes to them."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    keep_alive: bool
    has_body: bool
    minor: int = 1  # of HTTP/1.x

    @property
    def bodiless_answer(self) -> bool:
        return self.method == "HEAD"


def refuse_early(data: bytes, looked: int) -> None:
    """Raise HeadRefused where `data`, read so far, can no longer become a head; `looked` bytes of it were looked at
    before. A client that speaks TLS here or ends lines by LF alone is told so, not kept waiting."""
    if not b"A" <= data[:1] <= b"Z":
        raise HeadRefused(400, "this is no HTTP request")
    if _BARE_LF.search(data, max(0, looked - 1)):
        raise HeadRefused(400, "a line ends by LF alone")


def parse_request_head(head: bytes) -> Request:
    """`head` ends before the empty line."""
    end = head.find(b"\r\n")
    line, rest = (head, b"") if end < 0 else (head[:end], head[end:])
    method, target, minor = _request_line(line)
    # A client's header lines are the same in all its requests; but somebody's credentials are kept nowhere.
    remembered = len(rest) <= _REMEMBERED_BYTES and not _CREDENTIALS.search(rest)
    headers, keep_alive, has_body = _remembered_fields(rest, minor) if remembered else _read_fields(rest, minor)
    path, _, query = target.partition("?")
    if not path.startswith("/"):
        raise HeadRefused(400, "the request target must be a path that begins with /")
    return Request(method, path, query, headers, keep_alive, has_body, minor)


def _read_fields(rest: bytes, minor: int) -> tuple[dict[str, str], bool, bool]:
    """(headers, keep_alive, has_body) of the lines behind the request line, the end of which `rest` begins with."""
    headers = _headers(rest.split(b"\r\n")[1:])
    if minor == 1 and "host" not in headers:
        raise HeadRefused(400, "a request needs a Host header")
    if not _HOST.fullmatch(headers.get("host", "")):
        raise HeadRefused(400, "the Host header is malformed")
    return headers, _keeps_alive(headers, minor), _has_body(headers, minor)


_remembered_fields = lru_cache(maxsize=512)(_read_fields)


def _request_line(line: bytes) -> tuple[str, str, int]:
    match = _REQUEST_LINE.fullmatch(line)
    if not match:
        raise HeadRefused(400, "the request line is malformed")
    if match[3] != b"1" or match[4] not in (b"0", b"1"):
        raise HeadRefused(505, "this server speaks HTTP/1.1")
    return match[1].decode(), match[2].decode(), int(match[4])


def _headers(lines: list[bytes]) -> dict[str, str]:
    if len(lines) > HEADERS_LIMIT:
        raise HeadRefused(431, f"more than {HEADERS_LIMIT} headers")
    headers: dict[str, str] = {}
    for line in lines:
        match = _FIELD.fullmatch(line)
        if not match:
            raise HeadRefused(400, "a header line is malformed")
        name, value = match[1].decode().lower(), match[2].decode("latin-1").rstrip(" \t")
        if name in headers:
            if name in _ONCE:
                raise HeadRefused(400, f"the header {name} may be given once")
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


def _keeps_alive(headers: dict[str, str], minor: int) -> bool:
    """HTTP/1.0 ends with its answer: its keep-alive was never specified well enough to be sure what a client means."""
    options = [option.strip().lower() for option in headers.get("connection", "").split(",")]
    return minor == 1 and "close" not in options


def _has_body(headers: dict[str, str], minor: int) -> bool:
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if coding is not None and length is not None:
        raise HeadRefused(400, "Content-Length together with Transfer-Encoding")
    if coding is not None:
        if minor == 0:
            raise HeadRefused(400, "Transfer-Encoding in HTTP/1.0")
        if coding.lower() != "chunked":
            raise HeadRefused(400, "a transfer coding other than chunked")
        return True
    if length is None:
        return False
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise HeadRefused(400, "the Content-Length is malformed")
    return int(length) > 0
