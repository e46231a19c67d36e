"""Two ways to pull as fast as answers come: a closed loop for a while, and a list once each. `slow.py` has a third.

Figures are plain numbers: seconds, bytes, counts. `server` are the processes whose CPU time belongs to the sample.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..processes import cpu_s
from .connection import Broken
from .watched import PATIENCE_S, Connection, Watched

Figures = dict[str, float | list[float]]


class _Asked:
    """When each connection asked, and how long its first byte and its whole answer took."""

    def __init__(self) -> None:
        self._began: dict[Connection, float] = {}
        self.first_bytes: list[float] = []
        self.whole: list[float] = []

    def ask(self, connection: Connection, request: bytes) -> None:
        self._began[connection] = time.perf_counter()
        connection.ask(request)

    def received(self, connection: Connection) -> bool:
        """Take what has arrived; True at the end of the answer."""
        waiting = not connection.began
        done = connection.receive()
        if waiting and connection.began:
            self.first_bytes.append(time.perf_counter() - self._began[connection])
        if done:
            self.whole.append(time.perf_counter() - self._began[connection])
        return done


def closed_loop(
    connections: Sequence[Connection], requests: Sequence[bytes], seconds: float, server: Sequence[int],
    *, spins: bool = False,
) -> Figures:  # fmt: skip
    """Each connection asks as soon as its answer is complete, `requests` in turn for all of them."""
    watched, asked, now = Watched(connections, spins=spins), _Asked(), time.perf_counter
    sent, count = len(connections), len(requests)
    cpu_before, own_before, start = cpu_s(server), time.process_time(), now()
    for number, connection in enumerate(connections):
        asked.ask(connection, requests[number % count])
    end = start + seconds
    while (moment := now()) < end:
        for connection in watched.ready(end - moment):
            if asked.received(connection):
                asked.ask(connection, requests[sent % count])
                sent += 1
    wall, own = now() - start, time.process_time() - own_before
    found = _figures(connections, asked, wall, cpu_s(server) - cpu_before, own)
    return found | ({"client_idle_s": watched.idle_s} if spins else {})


def once_each(connections: Sequence[Connection], lists: Sequence[Sequence[bytes]], server: Sequence[int]) -> Figures:
    """Every connection goes through its own list once, all at the same time; figures of the whole."""
    watched, asked = Watched(connections), _Asked()
    todo = {connection: list(reversed(one)) for connection, one in zip(connections, lists, strict=True)}
    cpu_before, own_before, start = cpu_s(server), time.process_time(), time.perf_counter()
    for connection in connections:
        asked.ask(connection, todo[connection].pop())
    left = len(connections)
    while left:
        ready = watched.ready(PATIENCE_S)
        if not ready:
            raise Broken(f"no byte for {PATIENCE_S:.0f}s")
        for connection in ready:
            if not asked.received(connection):
                continue
            if todo[connection]:
                asked.ask(connection, todo[connection].pop())
            else:
                watched.forget(connection)
                left -= 1
    wall, own = time.perf_counter() - start, time.process_time() - own_before
    return _figures(connections, asked, wall, cpu_s(server) - cpu_before, own)


def _figures(
    connections: Sequence[Connection], asked: _Asked, wall_s: float, server_cpu_s: float, client_cpu_s: float
) -> Figures:
    return {
        "seconds": wall_s,
        "body_bytes": sum(connection.body_bytes for connection in connections),
        "requests": len(asked.whole),
        "server_cpu_s": server_cpu_s,
        "client_cpu_s": client_cpu_s,
        "first_byte_s": asked.first_bytes,
        "whole_s": asked.whole,
    }
