"""Connections that wait for the next question to the same upstream. Safe from any thread.

Owns which may be used again: young, quiet, few, and none that was opened before the others were forgotten. Rule for
editors: a connection on which anything has arrived while nobody asked is closed, whatever it was.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from .connection import Connection

LIMIT = 8  # for each upstream
AGE_S = 30.0
DEAD_AFTER_S = 10.0  # without an answer: the line may have changed under it, and a new connection is a second away


class IdleConnections:
    """By upstream URL. Whoever takes one waits for its first answer at most DEAD_AFTER_S, or `stall_timeout_s`."""

    def __init__(self, stall_timeout_s: float) -> None:
        self._stall_timeout_s = stall_timeout_s
        self._idle: dict[str, list[Connection]] = {}
        self._forgotten = 0  # so many times
        self._lock = threading.Lock()

    def take(self, url: str) -> Connection | None:
        while True:
            with self._lock:
                idle = self._idle.get(url)
                connection = idle.pop() if idle else None
            if connection is None:
                return None
            if time.monotonic() - connection.idle_since < AGE_S and connection.looks_alive():
                connection.set_stall_timeout(min(DEAD_AFTER_S, self._stall_timeout_s))
                return connection
            connection.close()

    def keeper(self, url: str) -> Callable[[Connection], None]:
        """To be asked for before a connection is taken or opened, and called with it when its answer has been read: by
        then all may have been forgotten, as those that were opened by authorities that are trusted no longer."""
        return partial(self._keep, url, self._forgotten)

    def _keep(self, url: str, forgotten: int, connection: Connection) -> None:
        connection.idle_since = time.monotonic()
        with self._lock:
            idle = self._idle.setdefault(url, [])
            if forgotten == self._forgotten and len(idle) < LIMIT:
                idle.append(connection)
                return
        connection.close()

    def forget(self) -> None:
        """Close them all, and those that are in use when they come back."""
        with self._lock:
            self._forgotten += 1
            connections = [connection for idle in self._idle.values() for connection in idle]
            self._idle.clear()
        for connection in connections:
            connection.close()
