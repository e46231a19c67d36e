"""A client's input, looked at before Tornado reads it: most of it is a plain question whose answer is at hand.

Everything else Tornado reads, and what comes while nobody looks. Rule for editors: what a look has received
and nobody has answered is given to Tornado, every byte and the error too.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

from .early_loop import early_loop
from .quiet_stream import QuietStream

_INPUT_LIMIT_BYTES = 128 * 1024
_READ_BYTES = 16 * 1024


class EarlyStream(QuietStream):
    """`at_once`, where it is set, is shown each piece of input as it arrives; True: it is answered, nobody else reads
    it."""

    at_once: Callable[[bytes], bool] | None = None
    _unread = b""  # received by a look, and not yet seen by Tornado
    _unread_error: OSError | None = None

    def __init__(self, sock: socket.socket) -> None:
        self._loop = early_loop()
        self._loop.looks[sock.fileno()] = self._look
        super().__init__(sock, max_buffer_size=_INPUT_LIMIT_BYTES, read_chunk_size=_READ_BYTES)  # and may close at once

    def _look(self) -> bool:
        """Show what has arrived to `at_once`, before Tornado reads. True: there is nothing for Tornado to do."""
        if self._unread or self._unread_error is not None or not self._may_look():
            return False
        while self.at_once is not None and not self.closed():
            try:
                self._unread = self.socket.recv(_READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
            except OSError as error:
                self._unread_error = error  # OpenSSL says it once only
                return False
            if not self._unread:
                return False  # the end, which Tornado will meet as well
            if not self.at_once(self._unread):
                return self.closed()
            self._unread = b""
            if self.closed() or not self._more_inside():
                return True
        return self.closed()

    def _may_look(self) -> bool:
        return True

    def _more_inside(self) -> bool:
        """Is there input that the kernel will not tell of any more?"""
        return False

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        if self._unread:
            count = min(len(buf), len(self._unread))
            buf[:count], self._unread = self._unread[:count], self._unread[count:]
            return count
        if self._unread_error is not None:
            raise self._unread_error
        while True:
            count_or_none = super().read_from_fd(buf)
            if not count_or_none or self.at_once is None or not self.at_once(bytes(memoryview(buf)[:count_or_none])):
                return count_or_none
            if self.closed() or not self._more_inside():
                return None  # as if nothing had come; the kernel calls again where there is more

    def close_fd(self) -> None:
        self._loop.looks.pop(self.socket.fileno(), None)
        super().close_fd()
