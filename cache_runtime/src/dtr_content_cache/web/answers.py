"""Answers that fit in memory, and the one table from failures to what a client is told.

Rule for editors: nothing that a client is told comes from a failure's text; a grant, a path or an upstream's address
cannot leak from here because it never gets here.
"""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from ..values.failures import (
    BlobUnknown,
    CircleRefused,
    CredentialsWanted,
    Failure,
    GrantRefused,
    UpstreamDenied,
    UpstreamUnavailable,
)

Headers = tuple[tuple[str, str], ...]
API_VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")
_DENIED = "requested access to the resource is denied"


class Answer:
    """`body` may be empty. `length` is the Content-Length: the body's, or None for none."""

    def __init__(self, status: int, body: bytes = b"", content_type: str = "", headers: Headers = ()) -> None:
        self.status = status
        self.body = body
        self.length: int | None = None if status == 304 else len(body)
        self.headers = (("Content-Type", content_type), *headers) if content_type else headers


def json_answer(status: int, value: object, headers: Headers = ()) -> Answer:
    body = json.dumps(value, separators=(",", ":")).encode() + (b"\n" if status >= 400 else b"")
    return Answer(status, body, "application/json; charset=utf-8", (API_VERSION, *headers))


def error(status: int, code: str, message: str, detail: object = None, headers: Headers = ()) -> Answer:
    """The registry's error body: `{"errors": [{"code", "message", "detail"}]}`."""
    entry: dict[str, object] = {"code": code, "message": message}
    if detail is not None:
        entry["detail"] = detail
    return json_answer(status, {"errors": [entry]}, headers)


def failure_answer(failure: Failure, digest: str) -> Answer:
    """What a client is told about `failure` while it asked for the blob `digest`."""
    if isinstance(failure, GrantRefused) and failure.reason == "no-keys":
        # Nobody can tell a good grant from a bad one yet: the client did nothing wrong.
        message = "the cache has no keys from upstream yet to verify grants by"
        return error(503, "UNAVAILABLE", message, digest, (("Retry-After", "5"),))
    if isinstance(failure, GrantRefused):
        return error(403, "DENIED", _DENIED, {"reason": failure.reason})
    if isinstance(failure, UpstreamDenied):
        return error(403, "DENIED", _DENIED, {"reason": "upstream"})
    if isinstance(failure, CredentialsWanted):
        return error(401, "UNAUTHORIZED", "authentication required", None, (("WWW-Authenticate", failure.challenge),))
    if isinstance(failure, BlobUnknown):
        return error(404, "BLOB_UNKNOWN", "blob unknown to registry", digest)
    if isinstance(failure, CircleRefused):
        return error(508, "UNAVAILABLE", "caches ask each other in a circle; the cache's log names them", digest)
    retry_after_s = failure.retry_after_s if isinstance(failure, UpstreamUnavailable) else None
    if isinstance(failure, UpstreamUnavailable) and failure.limited:
        message = "the upstream asks for fewer requests; what the cache holds is served meanwhile"
        return error(429, "TOOMANYREQUESTS", message, digest, (("Retry-After", str(retry_after_s or 5)),))
    return error(
        503,
        "UNAVAILABLE",
        "the blob cannot be fetched at the moment; the cache's log says why",
        digest,
        (("Retry-After", str(retry_after_s or 5)),),
    )


_REASONS = {status.value: status.phrase for status in HTTPStatus}


def first_lines(status: int) -> bytes:
    """The beginning of a response head: the status line and the Date line, made once a second."""
    return _first_lines(status, int(time.time()))


def head_bytes(status: int, headers: Headers, length: int | None, *, close: bool) -> bytes:
    """A response head with its empty line. `length` None: no Content-Length (304)."""
    return first_lines(status) + rest_of_head(headers, length, close=close)


def rest_of_head(headers: Headers, length: int | None, *, close: bool) -> bytes:
    """What follows `first_lines`."""
    lines = header_lines(headers)
    if length is not None:
        lines += b"Content-Length: %d\r\n" % length
    return lines + (b"Connection: close\r\n\r\n" if close else b"\r\n")


def header_lines(headers: Headers) -> bytes:
    return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode("latin-1")


@lru_cache(maxsize=64)
def _first_lines(status: int, now_s: int) -> bytes:
    return f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\nDate: {formatdate(now_s, usegmt=True)}\r\n".encode()
