"""A line between a proxy and the cache that hears what both say: which requests went in, which answers came out.

Reads with the eyes of the proxy: what it wrote is framed by its own Content-Length, which it makes anew for every body.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Sequence
from typing import NamedTuple

from doubles.accepting import accepted

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)(?=\r\n)", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
_NO_BODY = (204, 304)


class Asked(NamedTuple):
    """`path` without the query."""

    method: str
    path: str


class Heard(NamedTuple):
    """What went over one connection: the requests, the statuses of the answers, and what is not whole of either."""

    asked: list[Asked]
    answers: list[int]
    rest: tuple[bytes, bytes] = (b"", b"")

    @property
    def settled(self) -> bool:
        return len(self.asked) == len(self.answers) and self.rest == (b"", b"")


def split_requests(data: bytes) -> tuple[list[Asked], bytes]:
    """The whole requests that `data` begins with, and what is left of it."""
    found = []
    while (end := data.find(b"\r\n\r\n")) >= 0:
        head = data[: end + 2]
        after = end + 4 + _length(head)
        if after > len(data):
            break
        line = head.partition(b"\r\n")[0].decode("latin-1")
        method, _, target = line.rpartition(" ")[0].partition(" ")
        found.append(Asked(method, target.partition("?")[0]))
        data = data[after:]
    return found, data


def split_answers(data: bytes, methods: Sequence[str]) -> tuple[list[int], bytes]:
    """The statuses of the whole answers that `data` begins with, and what is left of it. `methods`: of the requests;
    one more than those is taken for a GET's."""
    found: list[int] = []
    while (end := data.find(b"\r\n\r\n")) >= 0 and (line := _STATUS.match(data)):
        status, method = int(line[1]), methods[len(found)] if len(found) < len(methods) else "GET"
        has_body = method != "HEAD" and status >= 200 and status not in _NO_BODY
        after = end + 4 + (_length(data[: end + 2]) if has_body else 0)
        if after > len(data):
            break
        found.append(status)
        data = data[after:]
    return found, data


def heard(asked: bytes, answered: bytes) -> Heard:
    requests, left = split_requests(asked)
    answers, unsaid = split_answers(answered, [request.method for request in requests])
    return Heard(requests, answers, (left, unsaid))


def _length(head: bytes) -> int:
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0


class Tap:
    """Connect to `port` instead of `to_port`. Every byte is noted before it goes on."""

    def __init__(self, to_port: int) -> None:
        self._to = ("127.0.0.1", to_port)
        self._lock = threading.Lock()
        self._lines: list[tuple[bytearray, bytearray]] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def heard(self) -> list[Heard]:
        """By connection, since `forget`."""
        with self._lock:
            lines = [(bytes(asked), bytes(answered)) for asked, answered in self._lines if asked or answered]
        return [heard(*line) for line in lines]

    def forget(self) -> None:
        with self._lock:
            for asked, answered in self._lines:
                asked.clear()
                answered.clear()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        for near in accepted(self._listener):
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        asked, answered = bytearray(), bytearray()
        with self._lock:
            self._lines.append((asked, answered))
        try:
            far = socket.create_connection(self._to)
        except OSError:
            near.close()
            return
        with near, far:
            forward = threading.Thread(target=self._pass_on, args=(near, far, asked), daemon=True)
            forward.start()
            self._pass_on(far, near, answered)
            forward.join()

    def _pass_on(self, source: socket.socket, target: socket.socket, noted: bytearray) -> None:
        try:
            while data := source.recv(65536):
                with self._lock:
                    noted += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
