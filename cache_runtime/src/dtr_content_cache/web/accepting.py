"""Clients of a listening socket, accepted as they come: also where the kernel has no descriptor or no memory for them.

Rule for editors: whatever a call answers, the socket is heard again, and the loop does not spin meanwhile.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Any

from ..values.events import Emit, StorageTrouble

_ACCEPT_AT_ONCE = 64
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_WHEN_EXHAUSTED_S = 0.2


class Accepting:
    """From `start`, which raises OSError where the kernel cannot watch the socket, until `stop`. `welcome` is called
    with each client and its address."""

    def __init__(self, sock: socket.socket, welcome: Callable[[socket.socket, Any], None], emit: Emit) -> None:
        self.sock = sock
        self._welcome = welcome
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._stopped = False

    def start(self) -> None:
        self.sock.setblocking(False)
        self._loop.add_reader(self.sock.fileno(), self._accept)

    def stop(self) -> None:
        """Whoever made the socket closes it."""
        self._stopped = True
        self._loop.remove_reader(self.sock.fileno())

    def _accept(self) -> None:
        for _ in range(_ACCEPT_AT_ONCE):
            try:
                client, address = self.sock.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._pause(error)
                return
            self._welcome(client, address)

    def _pause(self, error: OSError) -> None:
        """The kernel would call us again at once, for nothing. Let transfers end first."""
        self._emit(StorageTrouble("accepting a connection", errno.errorcode.get(error.errno or 0, "error")))
        self._loop.remove_reader(self.sock.fileno())
        self._loop.call_later(_PAUSE_WHEN_EXHAUSTED_S, self._resume)

    def _resume(self) -> None:
        if self._stopped:
            return
        try:
            self._loop.add_reader(self.sock.fileno(), self._accept)
        except OSError as error:
            self._pause(error)
