"""Bytes to and from one client: Tornado's streams, and the two ways a file leaves through them.

Plain connections: the kernel sends the file (`sendfile`), the head in the same segment. TLS: pieces are read and
encrypted, and the segments filled (TCP_CORK). Either way bytes go straight to the socket, as many as it takes at once,
and a slow client costs no buffer.

Rule for editors: `push` and Tornado's own `write` must never be under way together; whoever answers awaits each.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

from .parcel import TOGETHER_BYTES, FileFailed, Parcel, Pushed

# Of sendfile's errors these are the socket's; all others are the file's.
_CLIENT_LEFT = {errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ENOTCONN}
_CLIENT_LEFT |= {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}
_SENDFILE_BYTES = 1 << 20
_TLS_PIECE = memoryview(bytearray(256 * 1024))  # for every connection: used and done with between two awaits
_PIECES_A_TURN = 4
_TLS_RECORD_BYTES = 16 * 1024
_INPUT_LIMIT_BYTES = 128 * 1024
_READ_BYTES = 16 * 1024


class _Sending(IOStream):
    """Sending as both kinds of stream do it. `moved_s` is the loop's time at which the client last took bytes: who
    guards against dead clients reads it. `secure`: the socket encrypts.

    `at_once`, where it is set, is shown each piece of input as it arrives; True: it is answered, nobody else reads it.
    """

    secure = False
    at_once: Callable[[bytes], bool] | None = None

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, max_buffer_size=_INPUT_LIMIT_BYTES, read_chunk_size=_READ_BYTES)
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[bool] | None = None
        self.moved_s = self._loop.time()

    def push(self, parcel: Parcel) -> Pushed:
        """Send what the socket takes now, at most a turn's worth. Raise StreamClosedError when the client left,
        FileFailed when the file does not give the bytes: the answer can then only be cut."""
        raise NotImplementedError

    async def ship(self, parcel: Parcel) -> None:
        """Send all of it, at the client's pace. Raises as `push`."""
        if self.push(parcel) is Pushed.ALL:
            return
        try:
            if not await self.push_on(parcel):
                raise StreamClosedError
        finally:
            self._stop_pushing()

    def push_on(self, parcel: Parcel) -> asyncio.Future[bool]:
        """Push from now on whenever the socket takes more; what others wait for comes in between. The future's result
        is False where the client left, its exception FileFailed."""
        self._gone = self._loop.create_future()
        self._loop.add_writer(self.socket.fileno(), self._push_more, parcel, self._gone)
        return self._gone

    def _push_more(self, parcel: Parcel, gone: asyncio.Future[bool]) -> None:
        try:
            if self.push(parcel) is Pushed.ALL:
                self._stop_pushing(all_gone=True)
        except Exception as error:
            if not gone.done():
                gone.set_exception(error)

    def _stop_pushing(self, *, all_gone: bool = False) -> None:
        if self._gone is not None:
            self._loop.remove_writer(self.socket.fileno())
            if not self._gone.done():
                self._gone.set_result(all_gone)
            self._gone = None

    async def send_file(self, head: bytes, fd: int, offset: int, length: int) -> None:
        """Send `head`, then `length` bytes of the file at `offset`. Raises as `push`."""
        await self.ship(Parcel(head, fd, offset, length))

    @property
    def waits_for_client(self) -> bool:
        return self._gone is not None or self.writing()

    def write_to_fd(self, data: memoryview) -> int:
        count = super().write_to_fd(data)
        self.moved_s = self._loop.time()
        return count

    def close_fd(self) -> None:
        self._stop_pushing()
        super().close_fd()

    def _lost(self, error: OSError) -> StreamClosedError:
        self.close(exc_info=(type(error), error, error.__traceback__))
        return StreamClosedError(real_error=error)


class ClientStream(_Sending):
    _early = b""  # received, and not yet seen by Tornado

    def _handle_events(self, fd: object, events: int) -> None:
        """Tornado's own entrance, before which we look: `read_from_fd` would do, at the cost of all that it goes
        through until there."""
        if self.at_once is not None and not self._early and not self.closed():
            try:
                data = self.socket.recv(_READ_BYTES)
            except OSError:
                data = b""  # nothing, or an error or an end that Tornado will meet as well
            if data and (self.at_once(data) or self.closed()):
                return
            self._early = data
        super()._handle_events(fd, events)  # type: ignore[arg-type]

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        if self._early:
            count = min(len(buf), len(self._early))
            buf[:count], self._early = self._early[:count], self._early[count:]
            return count
        received = super().read_from_fd(buf)
        if received and self.at_once is not None and self.at_once(bytes(memoryview(buf)[:received])):
            return None  # as if nothing had come; the kernel calls again where there is more
        return received

    def push(self, parcel: Parcel) -> Pushed:
        if self.closed():
            raise StreamClosedError
        if 0 < parcel.length <= TOGETHER_BYTES and parcel.data:
            parcel.load()
        try:
            if parcel.data and not self._push_data(parcel):
                return Pushed.SOCKET_FULL
            return self._push_file(parcel) if parcel.length else Pushed.ALL
        except BlockingIOError:
            return Pushed.SOCKET_FULL
        except OSError as error:
            if not parcel.data and error.errno not in _CLIENT_LEFT:
                raise FileFailed from error
            raise self._lost(error) from error

    def _push_data(self, parcel: Parcel) -> bool:
        sent = self.socket.send(parcel.data, socket.MSG_MORE if parcel.length else 0)
        self.moved_s = self._loop.time()
        parcel.took(sent)
        return not parcel.data

    def _push_file(self, parcel: Parcel) -> Pushed:
        for _ in range(_PIECES_A_TURN):
            count = min(parcel.length, _SENDFILE_BYTES)
            sent = os.sendfile(self.socket.fileno(), parcel.fd, parcel.offset, count)
            if sent == 0:
                raise FileFailed
            parcel.took(sent)
            self.moved_s = self._loop.time()
            if not parcel.length:
                return Pushed.ALL
            if sent < count:
                return Pushed.SOCKET_FULL
        return Pushed.TURN_OVER


class ClientTlsStream(_Sending, SSLIOStream):
    secure = True

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._may_cork = sock.family in (socket.AF_INET, socket.AF_INET6)
        self._corked = False

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        while True:
            count = super().read_from_fd(buf)
            if not count or self.at_once is None or not self.at_once(bytes(memoryview(buf)[:count])):
                return count
            if self.closed() or not self.socket.pending():  # the kernel does not tell of what OpenSSL has read
                return None

    def push(self, parcel: Parcel) -> Pushed:
        if self.closed():
            raise StreamClosedError
        try:
            if len(parcel.data) + parcel.length > _TLS_RECORD_BYTES:
                self._cork(True)
            for _ in range(_PIECES_A_TURN):
                # After "not now" OpenSSL wants the same bytes again: the parcel has not changed, they are read anew.
                piece = parcel.copy_next(_TLS_PIECE) if parcel.length else parcel.data
                if piece:
                    parcel.took(self.socket.send(piece))
                    self.moved_s = self._loop.time()
                if not parcel.length and not parcel.data:
                    self._cork(False)
                    return Pushed.ALL
        except ssl.SSLWantWriteError:
            return Pushed.SOCKET_FULL
        except OSError as error:
            raise self._lost(error) from error
        return Pushed.TURN_OVER

    def _cork(self, corked: bool) -> None:
        """Each record is written on its own: without this, each would end with a segment that is not full."""
        if self._may_cork and corked is not self._corked:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, corked)
            self._corked = corked
