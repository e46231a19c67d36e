"""One client connection: reads heads, hands requests to the site, writes answers, ends.

Deadlines are kept by the listener, which looks at every connection once a second: `phase` says what we wait for,
`since_s` since when.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from tornado.iostream import StreamClosedError

from .answers import Answer, error, head_bytes
from .client_stream import ClientStream, ClientTlsStream
from .request_head import HEAD_LIMIT_BYTES, HeadRefused, Request, parse_request_head, refuse_early
from .untaken import untaken_bytes

HEAD_TIMEOUT_S = 10.0
IDLE_TIMEOUT_S = 75.0
STALLED_CLIENT_S = 300.0
_DISCARD_BYTES = 256 * 1024
_DISCARD_S = 2.0
_LOOK_AGAIN_S = 0.05


class Begun(Protocol):
    """An answer that `Site.begin` has begun. `over`: there is nothing left to do; where it is not yet, the connection's
    `begun_ended` is called when it is."""

    over: bool

    async def ended(self) -> None:
        """Wait until it is over, however it ends."""

    def end(self) -> None:
        """Let go of what is held; the connection is ending."""


class Site(Protocol):
    draining: bool

    async def answer(self, request: Request, connection: Connection) -> None:
        """Write the whole answer, or raise StreamClosedError, or call `connection.cut`."""

    def begin(self, data: bytes, connection: Connection) -> Begun | None:
        """`data` came on a connection that waits for a head. Answer it now, if it is a whole request whose answer is
        at hand; None leaves it untouched for `answer`."""

    def extra_headers(self) -> tuple[tuple[str, str], ...]: ...


class Connection:
    def __init__(self, stream: ClientStream | ClientTlsStream, client: str, site: Site) -> None:
        self.stream = stream
        self.client = client
        self._site = site
        self._input = b""
        self._loop = asyncio.get_running_loop()
        self.phase = "head"  # head | idle | answer
        self.since_s = self._loop.time()
        self.keep_alive = True
        self.written_bytes = 0
        self._begun: Begun | None = None
        self._reading = False

    def start(self) -> asyncio.Task[None]:
        task = self._loop.create_task(self._serve())
        # A client that leaves ends its own answer at once, whatever that waits for.
        self.stream.set_close_callback(lambda: _leave(task))
        return task

    async def _serve(self) -> None:
        try:
            while self.keep_alive:
                await self._answer(await self._next_request())
                self._enter("head" if self._input else "idle")
            await self._until_taken()
        except HeadRefused as refused:
            await self._refuse(refused)
        except (StreamClosedError, asyncio.CancelledError):
            pass
        finally:
            if self._begun is not None:
                self._begun.end()
            self.stream.set_close_callback(None)
            self.stream.close()

    async def _answer(self, request: Request) -> None:
        self._enter("answer")
        self.keep_alive = request.keep_alive and not request.has_body and not self._site.draining
        await self._site.answer(request, self)
        if request.has_body:
            await self._discard_body()

    async def _next_request(self) -> Request:
        """Those that are answered as they arrive are never seen here. A head that is refused stays in the input."""
        looked = 0
        while (end := self._input.find(b"\r\n\r\n", max(0, looked - 3))) < 0:
            if self._input:
                refuse_early(self._input, looked)
            looked = len(self._input)
            if len(self._input) > HEAD_LIMIT_BYTES:
                raise HeadRefused(431, f"the request head is larger than {HEAD_LIMIT_BYTES // 1024} KiB")
            self._input += await self._read()
            if self.phase == "idle":
                self._enter("head")
        if end > HEAD_LIMIT_BYTES:
            raise HeadRefused(431, f"the request head is larger than {HEAD_LIMIT_BYTES // 1024} KiB")
        request = parse_request_head(self._input[:end])
        self._input = self._input[end + 4 :]
        return request

    async def _read(self) -> bytes:
        self._reading = not self._input
        self.stream.at_once = self._begin if self._reading else None
        try:
            data = await self.stream.read_bytes(HEAD_LIMIT_BYTES, partial=True)
        finally:
            self._reading, self.stream.at_once = False, None
        if self._begun is not None:
            await self._begun.ended()  # the client did not wait for its answer before it asked on
        return data

    def _begin(self, data: bytes) -> bool:
        """`data` has just arrived, and we wait for a head. True: it is answered."""
        if not self.stream.reading():
            return False  # what came before it has been read, and is answered in its turn
        begun = self._site.begin(data, self)
        if begun is None:
            return False
        if begun.over:
            self.phase, self.since_s = "idle", self.stream.moved_s
        else:
            self.stream.at_once = None
            self._begun = begun
            self._enter("answer")
        return True

    def begun_ended(self) -> None:
        self._begun = None
        self._enter("idle")
        if self._reading:
            self.stream.at_once = self._begin

    def _enter(self, phase: str) -> None:
        self.phase, self.since_s = phase, self._loop.time()

    async def write(self, answer: Answer, *, bodiless: bool = False) -> None:
        """A whole answer. `bodiless`: the request was a HEAD; the headers are those of a GET."""
        headers = (*answer.headers, *self._site.extra_headers())
        head = head_bytes(answer.status, headers, answer.length, close=not self.keep_alive)
        body = b"" if bodiless else answer.body
        self.written_bytes = len(body)
        await self.stream.write(head + body)

    def cut(self) -> None:
        """Break the connection off: the client must see that the body is not complete."""
        self.keep_alive = False
        self.stream.close()

    async def _refuse(self, refused: HeadRefused) -> None:
        self.keep_alive = False
        try:
            bodiless = self._input.startswith(b"HEAD ")
            await self.write(error(refused.status, "UNSUPPORTED", refused.reason), bodiless=bodiless)
            await self._discard_body()
        except (StreamClosedError, asyncio.CancelledError):
            pass

    async def _discard_body(self) -> None:
        """Let the client read our answer although it is still sending: closing now would reset the connection."""
        if not self.stream.secure:
            try:
                self.stream.socket.shutdown(socket.SHUT_WR)
            except OSError:
                return
        discarded = len(self._input)
        try:
            async with asyncio.timeout(_DISCARD_S):
                while discarded < _DISCARD_BYTES:
                    discarded += len(await self.stream.read_bytes(_DISCARD_BYTES, partial=True))
        except TimeoutError:
            pass

    def overdue(self, now_s: float) -> bool:
        """Has the client kept us waiting longer than it may?"""
        if self.phase == "head":
            return now_s - self.since_s > HEAD_TIMEOUT_S
        if self.phase == "idle":
            return now_s - self.since_s > IDLE_TIMEOUT_S
        return now_s - max(self.since_s, self.stream.moved_s) > STALLED_CLIENT_S and self.stream.waits_for_client

    async def _until_taken(self) -> None:
        """The process is about to end, and nobody sends then what the kernel still has."""
        while self._site.draining and untaken_bytes(self.stream.socket):
            await asyncio.sleep(_LOOK_AGAIN_S)

    def end_if_idle(self) -> None:
        idle = self.phase == "idle" or (self.phase == "head" and not self._input)
        if idle and not untaken_bytes(self.stream.socket):
            self.stream.close()

    def end(self) -> None:
        self.stream.close()


def _leave(task: asyncio.Task[None]) -> None:
    task.cancel()
