"""Answers that fit in memory, and the one table from failures to what a client is told.

Rule for editors: nothing that a client is told comes from a failure's text; a grant, a path or an upstream's address
cannot leak from here because it never gets here.
"""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from http import HTTPStatus

from ..values.failures import (
    BlobUnknown,
    CredentialsWanted,
    Failure,
    GrantRefused,
    UpstreamDenied,
    UpstreamUnavailable,
)

API_VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")
_DENIED = "requested access to the resource is denied"


class Answer:
    """`body` may be empty; Content-Length is always sent."""

    def __init__(
        self, status: int, body: bytes = b"", content_type: str = "", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.headers = (("Content-Type", content_type), *headers) if content_type else headers


def json_answer(status: int, value: object, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    body = json.dumps(value, separators=(",", ":")).encode() + (b"\n" if status >= 400 else b"")
    return Answer(status, body, "application/json; charset=utf-8", (API_VERSION, *headers))


def error(
    status: int, code: str, message: str, detail: object = None, headers: tuple[tuple[str, str], ...] = ()
) -> Answer:
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
    retry_after_s = failure.retry_after_s if isinstance(failure, UpstreamUnavailable) else None
    return error(
        503,
        "UNAVAILABLE",
        "the blob cannot be fetched at the moment; the cache's log says why",
        digest,
        (("Retry-After", str(retry_after_s or 5)),),
    )


_date = (0, "")


def http_date() -> str:
    """The Date header's value, made once a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = (now, formatdate(now, usegmt=True))
    return _date[1]


_REASONS = {status.value: status.phrase for status in HTTPStatus}


def head_bytes(status: int, headers: tuple[tuple[str, str], ...], length: int | None, *, close: bool) -> bytes:
    """A response head with its empty line. `length` None: no Content-Length (304)."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}", f"Date: {http_date()}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
