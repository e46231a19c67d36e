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

from tornado.iostream import SSLIOStream, StreamClosedError

from ..storage import Identity
from . import send_buffer
from .early_stream import EarlyStream
from .parcel import TOGETHER_BYTES, FileFailed, Parcel, Pushed

Done = Callable[[Exception | None], None]

# Of sendfile's errors these are the socket's; all others are the file's.
_CLIENT_LEFT = {errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ENOTCONN}
_CLIENT_LEFT |= {errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}
_SENDFILE_BYTES = 1 << 20
_TLS_PIECE = memoryview(bytearray(256 * 1024))  # for every connection: used and done with between two awaits
_PIECES_A_TURN = 4  # one in the first turn of a file that the kernel sends: others wait for their first byte
_TLS_RECORD_BYTES = 16 * 1024


class _Sending(EarlyStream):
    """Sending as both kinds of stream do it. `moved_s` is the loop's time at which the client last took bytes: who
    guards against dead clients reads it. `secure`: the socket encrypts."""

    secure = False

    def __init__(self, sock: socket.socket) -> None:
        self._fitted_to: float = send_buffer.LARGE_BYTES
        self._pushed: Parcel | None = None
        self._done: Done | None = None
        super().__init__(sock)
        self.moved_s = self._loop.time()

    def push(self, parcel: Parcel) -> Pushed:
        """Send what the socket takes now, at most a turn's worth. Raise StreamClosedError when the client left,
        FileFailed when the file does not give the bytes: the answer can then only be cut."""
        raise NotImplementedError

    def _fit_buffer(self, parcel: Parcel) -> None:
        # Who follows a fill is sent each piece as it comes: smaller ones only cost more turns.
        if parcel.length > self._fitted_to and parcel.judged is not None:
            self._fitted_to = send_buffer.fit(self.socket, parcel.length)

    async def ship(self, parcel: Parcel) -> None:
        """Send all of it, at the client's pace. Raises as `push`."""
        if self.push(parcel) is Pushed.ALL:
            return
        gone: asyncio.Future[None] = self._loop.create_future()

        def done(error: Exception | None) -> None:
            if not gone.done():
                gone.set_result(None) if error is None else gone.set_exception(error)

        self.push_on(parcel, done)
        try:
            await gone
        finally:
            self._stop_pushing()

    def push_on(self, parcel: Parcel, done: Done) -> None:
        """Push from now on whenever the socket takes more; what others wait for comes in between. `done` is called
        once: with None when all of it is gone, with what `push` raises, with StreamClosedError when we were closed."""
        parcel.waits = True
        self._done = done
        self._pushed = parcel
        try:
            self._loop.push_when_writable(self.socket.fileno(), self._push_more)
        except OSError as error:
            self._lost(error)

    def _push_more(self) -> None:
        if self._pushed is None:
            return
        error: Exception | None = None
        try:
            if self.push(self._pushed) is not Pushed.ALL:
                return
        except Exception as caught:
            error = caught
        done = self._stop_pushing()
        if done is not None:  # None: `push` has found the client gone, and closing told it
            done(error)

    def _stop_pushing(self) -> Done | None:
        done, self._done, self._pushed = self._done, None, None
        if done is not None:
            self._loop.stop_pushing(self.socket.fileno())
        return done

    async def send_file(
        self, head: bytes, fd: int, offset: int, length: int, judged: Identity | None = None, *, late: bool = False
    ) -> None:
        """Send `head`, then `length` bytes of the file at `offset`. Raises as `push`; `judged` and `late` as in
        Parcel."""
        await self.ship(Parcel(head, fd, offset, length, judged, late=late))

    @property
    def waits_for_client(self) -> bool:
        return self._done is not None or self.writing()

    def write_to_fd(self, data: memoryview) -> int:
        count = super().write_to_fd(data)
        self.moved_s = self._loop.time()
        return count

    def close_fd(self) -> None:
        done = self._stop_pushing()
        super().close_fd()
        if done is not None:
            self._loop.call_soon(done, StreamClosedError())  # who closes is in the middle of something

    def _lost(self, error: OSError) -> StreamClosedError:
        self.close(exc_info=(type(error), error, error.__traceback__))
        return StreamClosedError(real_error=error)


class ClientStream(_Sending):
    def push(self, parcel: Parcel) -> Pushed:
        if self.closed():
            raise StreamClosedError
        self._fit_buffer(parcel)
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
        for _ in range(_PIECES_A_TURN if parcel.waits else 1):
            count = min(parcel.length, _SENDFILE_BYTES)
            if count == parcel.length:
                parcel.check_last()
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
        self._agreed = False  # with the client, on keys

    def _may_look(self) -> bool:
        self._agreed = self._agreed or self.socket.version() is not None
        return self._agreed

    def _more_inside(self) -> bool:
        return self.socket.pending() > 0

    def push(self, parcel: Parcel) -> Pushed:
        if self.closed():
            raise StreamClosedError
        self._fit_buffer(parcel)
        try:
            if len(parcel.data) + parcel.length > _TLS_RECORD_BYTES:
                self._cork(True)
            for _ in range(_PIECES_A_TURN):
                # After "not now" OpenSSL wants the same bytes again: the parcel has not changed, they are read anew.
                piece = parcel.copy_next(_TLS_PIECE) if parcel.length else parcel.data
                if len(piece) == len(parcel.data) + parcel.length:
                    parcel.check_last()
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
