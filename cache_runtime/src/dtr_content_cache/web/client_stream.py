"""Bytes to and from one client: Tornado's streams, and the two ways a file leaves through them.

Plain connections: the kernel sends the file (`sendfile`), the head in the same segment. TLS: pieces are read and
encrypted. Either way a slow client costs one waiting coroutine and no buffer of its own.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

# Of sendfile's errors these are the socket's; all others are the file's.
_CLIENT_LEFT = {errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ENOTCONN}
_CLIENT_LEFT |= {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}
_SENDFILE_BYTES = 1 << 20
_TLS_PIECE_BYTES = 256 * 1024
_TOGETHER_BYTES = 64 * 1024
_INPUT_LIMIT_BYTES = 128 * 1024


class ClientStream(IOStream):
    """`moved_s` is the loop's time at which the client last took bytes: who guards against dead clients reads it."""

    secure = False

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, max_buffer_size=_INPUT_LIMIT_BYTES, read_chunk_size=16 * 1024)
        self._loop = asyncio.get_running_loop()
        self._writable: asyncio.Future[None] | None = None
        self.moved_s = self._loop.time()

    def write_to_fd(self, data: memoryview) -> int:
        count = super().write_to_fd(data)
        self.moved_s = self._loop.time()
        return count

    @property
    def waits_for_client(self) -> bool:
        return self._writable is not None or self.writing()

    def close_fd(self) -> None:
        self._stop_waiting()
        super().close_fd()

    async def send_file(self, head: bytes, fd: int, offset: int, length: int) -> None:
        """Send `head`, then `length` bytes of the file at `offset`. Raise StreamClosedError when the client left,
        FileFailed when the file does not give the bytes: the answer can then only be cut."""
        if self.closed():
            raise StreamClosedError
        if length <= _TOGETHER_BYTES:
            await self.write(head + _whole(fd, offset, length))
            return
        if head:
            await self._send_head(head)
        turns = 0
        while length:
            try:
                sent = os.sendfile(self.socket.fileno(), fd, offset, min(length, _SENDFILE_BYTES))
            except BlockingIOError:
                await self._until_writable()
                continue
            except OSError as error:
                if error.errno not in _CLIENT_LEFT:
                    raise FileFailed from error
                self.close(exc_info=(type(error), error, error.__traceback__))
                raise StreamClosedError(real_error=error) from error
            if sent == 0:
                raise FileFailed
            offset, length = offset + sent, length - sent
            self.moved_s = self._loop.time()
            turns += 1
            if length and turns % 4 == 0:
                await asyncio.sleep(0)  # a fast client must not keep the others waiting
                if self.closed():
                    raise StreamClosedError

    async def _send_head(self, head: bytes) -> None:
        try:
            sent = self.socket.send(head, socket.MSG_MORE)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.close()
            raise StreamClosedError(real_error=error) from error
        if sent < len(head):
            await self.write(head[sent:])

    async def _until_writable(self) -> None:
        self._writable = self._loop.create_future()
        self._loop.add_writer(self.socket.fileno(), self._is_writable)
        try:
            await self._writable
        finally:
            self._stop_waiting()
        if self.closed():
            raise StreamClosedError

    def _is_writable(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def _stop_waiting(self) -> None:
        if self._writable is not None:
            self._loop.remove_writer(self.socket.fileno())
            if not self._writable.done():
                self._writable.set_result(None)
            self._writable = None


class ClientTlsStream(SSLIOStream):
    secure = True

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, max_buffer_size=_INPUT_LIMIT_BYTES, read_chunk_size=16 * 1024)
        self._loop = asyncio.get_running_loop()
        self.moved_s = self._loop.time()

    def write_to_fd(self, data: memoryview) -> int:
        count = super().write_to_fd(data)
        self.moved_s = self._loop.time()
        return count

    @property
    def waits_for_client(self) -> bool:
        return self.writing()

    async def send_file(self, head: bytes, fd: int, offset: int, length: int) -> None:
        """As ClientStream.send_file."""
        while length or head:
            piece = _whole(fd, offset, min(length, _TLS_PIECE_BYTES))
            offset, length = offset + len(piece), length - len(piece)
            await self.write(head + piece if head else piece)
            head = b""
            await asyncio.sleep(0)  # as above: what the socket takes at once is awaited without a turn of the loop


class FileFailed(Exception):
    """The file ended before the bytes that were promised, or cannot be read."""


def _whole(fd: int, offset: int, length: int) -> bytes:
    data = b""
    while len(data) < length:
        try:
            more = os.pread(fd, length - len(data), offset + len(data))
        except OSError as error:
            raise FileFailed from error
        if not more:
            raise FileFailed
        data = data + more if data else more
    return data
