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

HEAD_TIMEOUT_S = 10.0
IDLE_TIMEOUT_S = 75.0
STALLED_CLIENT_S = 300.0
_DISCARD_BYTES = 256 * 1024
_DISCARD_S = 2.0


class Site(Protocol):
    draining: bool

    async def answer(self, request: Request, connection: Connection) -> None:
        """Write the whole answer, or raise StreamClosedError, or call `connection.cut`."""

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

    def start(self) -> asyncio.Task[None]:
        task = self._loop.create_task(self._serve())
        # A client that leaves ends its own answer at once, whatever that waits for.
        self.stream.set_close_callback(lambda: _leave(task))
        return task

    async def _serve(self) -> None:
        try:
            while self.keep_alive:
                request = await self._next_request()
                self._enter("answer")
                self.keep_alive = request.keep_alive and not request.has_body and not self._site.draining
                await self._site.answer(request, self)
                if request.has_body:
                    await self._discard_body()
                self._enter("head" if self._input else "idle")
        except HeadRefused as refused:
            await self._refuse(refused)
        except (StreamClosedError, asyncio.CancelledError):
            pass
        finally:
            self.stream.set_close_callback(None)
            self.stream.close()

    async def _next_request(self) -> Request:
        looked = 0
        while (end := self._input.find(b"\r\n\r\n", max(0, looked - 3))) < 0:
            if self._input:
                refuse_early(self._input, looked)
            looked = len(self._input)
            if len(self._input) > HEAD_LIMIT_BYTES:
                raise HeadRefused(431, f"the request head is larger than {HEAD_LIMIT_BYTES // 1024} KiB")
            self._input += await self.stream.read_bytes(HEAD_LIMIT_BYTES, partial=True)
            if self.phase == "idle":
                self._enter("head")
        if end > HEAD_LIMIT_BYTES:
            raise HeadRefused(431, f"the request head is larger than {HEAD_LIMIT_BYTES // 1024} KiB")
        head, self._input = self._input[:end], self._input[end + 4 :]
        return parse_request_head(head)

    def _enter(self, phase: str) -> None:
        self.phase, self.since_s = phase, self._loop.time()

    async def write(self, answer: Answer, *, bodiless: bool = False) -> None:
        """A whole answer. `bodiless`: the request was a HEAD; the headers are those of a GET."""
        length = None if answer.status == 304 else len(answer.body)
        headers = (*answer.headers, *self._site.extra_headers())
        head = head_bytes(answer.status, headers, length, close=not self.keep_alive)
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
            await self.write(error(refused.status, "UNSUPPORTED", refused.reason))
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

    def end_if_idle(self) -> None:
        if self.phase == "idle" or (self.phase == "head" and not self._input):
            self.stream.close()

    def end(self) -> None:
        self.stream.close()


def _leave(task: asyncio.Task[None]) -> None:
    task.cancel()
