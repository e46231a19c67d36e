"""Lines to a file descriptor that nobody may be reading: stdout, stderr.

Theory of operation: lines gather in a bounded buffer; a flush asks the kernel whether the descriptor takes bytes and
then writes at most 4096 at once, which a pipe that says so takes without blocking (POSIX PIPE_BUF). The descriptor
itself stays in blocking mode, because other programs share it (a terminal, a service manager).
Rule for editors: no exception leaves, no call waits, and only whole lines are dropped; how many is told later.
Event loop only.
"""

from __future__ import annotations

import os
import select
from asyncio import AbstractEventLoop
from collections.abc import Callable

BUFFER_LIMIT_BYTES = 1024 * 1024
_PIECE_BYTES = 4096
_SOON_S = 0.05  # lines of one moment leave in one write
_RETRY_S = 0.5  # when nobody reads


class Outlet:
    """Without an event loop each line is flushed at once. `notice` words the line that tells of dropped ones."""

    def __init__(self, descriptor: int, limit_bytes: int = BUFFER_LIMIT_BYTES) -> None:
        self._descriptor = descriptor
        self._loop: AbstractEventLoop | None = None
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()
        self._scheduled = False
        self._dropped = 0  # lines, since the last that got through
        self.notice: Callable[[int], str] = lambda lines: f"{lines} log lines were dropped: nobody read them"
        self.dropped_total = 0

    def use_loop(self, loop: AbstractEventLoop | None) -> None:
        """Gather the lines of a moment from now on and write them from `loop`; None: no longer."""
        self._loop = loop
        self._scheduled = False
        self.flush()

    def write(self, line: str) -> None:
        """Take one line (without its line feed)."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        if len(self._buffer) + len(data) > self._limit_bytes:
            self.flush()
        if len(self._buffer) + len(data) > self._limit_bytes:
            self._dropped += 1
            self.dropped_total += 1
            return
        self._buffer += data
        if self._loop is None:
            self.flush()
        else:
            self._flush_in(_SOON_S)

    def flush(self) -> None:
        """Write what the descriptor takes now."""
        if self._write_some() and not self._buffer and self._dropped:
            self._tell_of_dropped()
        if self._buffer and self._loop is not None:
            self._flush_in(_RETRY_S)

    def _tell_of_dropped(self) -> None:
        counts = self._dropped, self.dropped_total
        self._buffer += self.notice(self._dropped).encode() + b"\n"
        self._dropped = 0
        if not self._write_some():
            self._dropped, self.dropped_total = counts  # the notice is no line that anybody wrote

    def _flush_in(self, seconds: float) -> None:
        if self._scheduled or self._loop is None:
            return
        try:
            self._loop.call_later(seconds, self._flush_scheduled)
            self._scheduled = True
        except RuntimeError:
            self._loop = None  # the loop is closed: the program is ending

    def _flush_scheduled(self) -> None:
        self._scheduled = False
        self.flush()

    def _write_some(self) -> bool:
        """False: the reader is gone or the disk is full. What cannot be written is lost; the program goes on."""
        try:
            while self._buffer and self._takes_bytes():
                count = os.write(self._descriptor, self._buffer[:_PIECE_BYTES])
                del self._buffer[:count]
        except BlockingIOError:
            pass
        except OSError:
            self._lose_buffer()
            return False
        return True

    def _takes_bytes(self) -> bool:
        poller = select.poll()
        poller.register(self._descriptor, select.POLLOUT)
        return bool(poller.poll(0))

    def _lose_buffer(self) -> None:
        lost = self._buffer.count(b"\n")
        self._buffer.clear()
        self._dropped += lost
        self.dropped_total += lost
