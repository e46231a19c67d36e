"""What clients come to a cache for: a blob at once, twice by one connection, slowly, a part, its head.

An errand returns what it got, (status, body) for each answer, and what those should have been; an answer that does not
end as it said, or does not come, is an OSError. Rule for editors: an errand has a connection of its own,
which nobody used before and nobody uses after it.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_SLOWLY_S = 0.1  # so long a slow client takes nothing, after the head
_NARROW_BYTES = 64 * 1024

Answer = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`target` and `headers` ask for `blob`."""

    target: str
    headers: Mapping[str, str]
    blob: bytes


Errand = Callable[[http.client.HTTPConnection, Wanted], tuple[list[Answer], list[Answer]]]


def run(errand: Errand, connection: http.client.HTTPConnection, wanted: Wanted) -> tuple[list[Answer], list[Answer]]:
    """(what came, what should have come). Raise OSError. `connection` is closed then."""
    try:
        return errand(connection, wanted)
    except http.client.HTTPException as error:
        raise ConnectionError(repr(error)) from error
    finally:
        connection.close()


def whole(connection: http.client.HTTPConnection, wanted: Wanted) -> tuple[list[Answer], list[Answer]]:
    return [_ask(connection, wanted)], [(200, wanted.blob)]


def twice(connection: http.client.HTTPConnection, wanted: Wanted) -> tuple[list[Answer], list[Answer]]:
    """By one connection, and none is opened for the second."""
    first = _ask(connection, wanted)
    connection.auto_open = 0
    return [first, _ask(connection, wanted)], [(200, wanted.blob)] * 2


def slowly(connection: http.client.HTTPConnection, wanted: Wanted) -> tuple[list[Answer], list[Answer]]:
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW_BYTES)
    connection.request("GET", wanted.target, headers=dict(wanted.headers))
    answer = connection.getresponse()
    time.sleep(_SLOWLY_S)
    return [(answer.status, answer.read())], [(200, wanted.blob)]


def end(connection: http.client.HTTPConnection, wanted: Wanted) -> tuple[list[Answer], list[Answer]]:
    """The last third of it."""
    first = len(wanted.blob) * 2 // 3
    return [_ask(connection, wanted, {"Range": f"bytes={first}-"})], [(206, wanted.blob[first:])]


def head(connection: http.client.HTTPConnection, wanted: Wanted) -> tuple[list[Answer], list[Answer]]:
    connection.request("HEAD", wanted.target, headers=dict(wanted.headers))
    answer = connection.getresponse()
    return [(answer.status, (answer.getheader("Content-Length") or "").encode())], [(200, b"%d" % len(wanted.blob))]


def refused(connection: http.client.HTTPConnection, wanted: Wanted) -> tuple[list[Answer], list[Answer]]:
    """A request with a body, which is answered before the body has come."""
    connection.request("POST", wanted.target, body=b"nobody wants this", headers=dict(wanted.headers))
    answer = connection.getresponse()
    answer.read()
    return [(answer.status, b"")], [(405, b"")]


def _ask(connection: http.client.HTTPConnection, wanted: Wanted, more: Mapping[str, str] | None = None) -> Answer:
    connection.request("GET", wanted.target, headers={**wanted.headers, **(more or {})})
    answer = connection.getresponse()
    return answer.status, answer.read()
