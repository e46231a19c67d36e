"""The three ways to pull: a closed loop for a while, a list once each, and many readers on thin lines.

Figures are plain numbers: seconds, bytes, counts. `server` are the processes whose CPU time belongs to the sample.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence
from typing import Protocol

from ..processes import cpu_s
from .connection import Broken

_PATIENCE_S = 120.0


class Connection(Protocol):
    sock: socket.socket
    body_bytes: int
    began: bool

    def ask(self, request: bytes) -> None: ...
    def receive(self, limit: int = ...) -> bool: ...


Figures = dict[str, float | list[float]]


class _Watched:
    """Connections by descriptor, and the ones of them that have something to read."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._by_fd = {connection.sock.fileno(): connection for connection in connections}
        self._poll = select.epoll()
        for fd in self._by_fd:
            self._poll.register(fd, select.EPOLLIN)

    def ready(self, timeout_s: float) -> list[Connection]:
        return [self._by_fd[fd] for fd, _ in self._poll.poll(max(0.0, timeout_s))]

    def forget(self, connection: Connection) -> None:
        self._poll.unregister(connection.sock.fileno())


def closed_loop(
    connections: Sequence[Connection], requests: Sequence[bytes], seconds: float, server: Sequence[int]
) -> Figures:
    """Each connection asks as soon as its answer is complete, `requests` in turn for all of them."""
    watched, now = _Watched(connections), time.perf_counter
    began: dict[Connection, float] = {}
    first_bytes: list[float] = []
    whole: list[float] = []
    asked, count = len(connections), len(requests)
    cpu_before, own_before, start = cpu_s(server), time.process_time(), now()
    for number, connection in enumerate(connections):
        began[connection] = now()
        connection.ask(requests[number % count])
    end = start + seconds
    while (moment := now()) < end:
        for connection in watched.ready(end - moment):
            waiting = not connection.began
            done = connection.receive()
            if waiting and connection.began:
                first_bytes.append(now() - began[connection])
            if done:
                moment = now()
                whole.append(moment - began[connection])
                began[connection] = moment
                connection.ask(requests[asked % count])
                asked += 1
    wall, own = now() - start, time.process_time() - own_before
    return {
        "seconds": wall,
        "body_bytes": sum(connection.body_bytes for connection in connections),
        "requests": len(whole),
        "asked": asked,
        "server_cpu_s": cpu_s(server) - cpu_before,
        "client_cpu_s": own,
        "first_byte_s": first_bytes,
        "whole_s": whole,
    }


def once_each(connections: Sequence[Connection], lists: Sequence[Sequence[bytes]], server: Sequence[int]) -> Figures:
    """Every connection goes through its own list once, all at the same time; figures of the whole."""
    watched, now = _Watched(connections), time.perf_counter
    todo = {connection: list(reversed(one)) for connection, one in zip(connections, lists, strict=True)}
    began: dict[Connection, float] = {}
    first_bytes: list[float] = []
    cpu_before, own_before, start = cpu_s(server), time.process_time(), now()

    def ask(connection: Connection) -> bool:
        if not todo[connection]:
            return False
        began[connection] = now()
        connection.ask(todo[connection].pop())
        return True

    for connection in connections:
        ask(connection)
    left = len(connections)
    while left:
        ready = watched.ready(_PATIENCE_S)
        if not ready:
            raise Broken(f"no byte for {_PATIENCE_S:.0f}s")
        for connection in ready:
            waiting = not connection.began
            done = connection.receive()
            if waiting and connection.began:
                first_bytes.append(now() - began[connection])
            if done and not ask(connection):
                watched.forget(connection)
                left -= 1
    wall = now() - start
    return {
        "seconds": wall,
        "body_bytes": sum(connection.body_bytes for connection in connections),
        "requests": sum(len(one) for one in lists),
        "server_cpu_s": cpu_s(server) - cpu_before,
        "client_cpu_s": time.process_time() - own_before,
        "first_byte_s": first_bytes,
    }


def thin_lines(
    connections: Sequence[Connection],
    requests: Sequence[bytes],
    seconds: float,
    bytes_per_s: int,
    server: Sequence[int],
) -> Figures:
    """Every connection takes `bytes_per_s` at most, in ten sips a second."""
    cpu_before, start = cpu_s(server), time.perf_counter()
    for number, connection in enumerate(connections):
        connection.ask(requests[number % len(requests)])
    sip, due = bytes_per_s // 10, start
    while (now := time.perf_counter()) < start + seconds:
        if now < due:
            time.sleep(due - now)
        due += 0.1
        for connection in connections:
            try:
                if connection.receive(sip):
                    raise Broken("a slow reader came to the end of the blob: it was not slow")
            except BlockingIOError:
                pass
    return {
        "seconds": time.perf_counter() - start,
        "body_bytes": sum(connection.body_bytes for connection in connections),
        "server_cpu_s": cpu_s(server) - cpu_before,
    }
