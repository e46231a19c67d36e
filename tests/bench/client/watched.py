"""Connections, and which of them have something to read: by sleeping until one has, or by asking without a pause."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence
from typing import Protocol

from .connection import Broken

PATIENCE_S = 120.0


class Connection(Protocol):
    sock: socket.socket
    body_bytes: int
    began: bool

    def ask(self, request: bytes) -> None: ...
    def warm(self, request: bytes) -> None: ...
    def receive(self, limit: int = ...) -> bool: ...


class Watched:
    """`spins`: never sleeps, as waking a sleeper takes a virtual machine longer than many an answer; only on a
    processor of its own. `idle_s` is then how long it found nothing to do: what it could have done beside."""

    def __init__(self, connections: Sequence[Connection], *, spins: bool = False) -> None:
        self._by_fd = {connection.sock.fileno(): connection for connection in connections}
        self._poll = select.epoll()
        self._spins = spins
        self.idle_s = 0.0
        for fd in self._by_fd:
            self._poll.register(fd, select.EPOLLIN)

    def ready(self, timeout_s: float) -> list[Connection]:
        if not self._spins:
            return [self._by_fd[fd] for fd, _ in self._poll.poll(max(0.0, timeout_s))]
        began = now = time.perf_counter()
        found = self._poll.poll(0)
        while not found and now - began < timeout_s:
            found, now = self._poll.poll(0), time.perf_counter()
        self.idle_s += now - began
        return [self._by_fd[fd] for fd, _ in found]

    def first_bytes(self, limit: int) -> list[Connection]:
        """Wait until somebody has something, take at most `limit` bytes from each, return who has begun."""
        found = self.ready(PATIENCE_S)
        if not found:
            raise Broken(f"no byte for {PATIENCE_S:.0f}s")
        for connection in found:
            connection.receive(limit)
        return [connection for connection in found if connection.began]

    def forget(self, connection: Connection) -> None:
        self._poll.unregister(connection.sock.fileno())
