"""A line between two programs that breaks when a test says so: bytes go through as they are, TLS included."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

from .accepting import accepted


class CuttingRelay:
    """`with CuttingRelay(port) as line:`; connect to `line.port`, and `cut_next(after)` to break a connection."""

    def __init__(self, to_port: int) -> None:
        self._to = ("127.0.0.1", to_port)
        self._lock = threading.Lock()
        self._cuts: list[tuple[int, int]] = []  # (bytes, connections that were there before)
        self._connections = 0
        self.cut_connections = 0

    def __enter__(self) -> CuttingRelay:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut_next(self, after_bytes: int) -> None:
        """Break the next new connection through which more than `after_bytes` come back."""
        with self._lock:
            self._cuts.append((after_bytes, self._connections))

    def _accept(self) -> None:
        for near in accepted(self._listener):
            with self._lock:
                self._connections += 1
                number = self._connections
            threading.Thread(target=self._join, args=(near, number), daemon=True).start()

    def _join(self, near: socket.socket, number: int) -> None:
        try:
            far = socket.create_connection(self._to, 10)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        threading.Thread(target=self._forward, args=(near, far), daemon=True).start()
        self._back(far, near, number)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _back(self, far: socket.socket, near: socket.socket, number: int) -> None:
        passed = 0
        with far, near:
            try:
                while data := far.recv(65536):
                    if self._is_due(passed + len(data), number):
                        self._break(near, far)
                        return
                    near.sendall(data)
                    passed += len(data)
                near.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def _break(self, near: socket.socket, far: socket.socket) -> None:
        """The near side gets what was on its way, then an end that comes too early; the far side has nobody left."""
        # The other thread sits in recv and would keep a socket alive that is only closed.
        far.shutdown(socket.SHUT_RDWR)
        near.shutdown(socket.SHUT_WR)
        near.settimeout(10)
        while near.recv(65536):  # closing before the other did would be a reset, which throws away what it has not read
            pass

    def _is_due(self, passed_bytes: int, number: int) -> bool:
        with self._lock:
            # A connection of before may still say goodbye.
            due = bool(self._cuts) and passed_bytes > self._cuts[0][0] and number > self._cuts[0][1]
            if due:
                self._cuts.pop(0)
                self.cut_connections += 1
            return due
