"""From an upstream straight to one client, without the volume: no room for the blob, or a volume in trouble.

Bounded memory and no thread while the client is slow: a thread fetches one piece, the client takes it, then the next.
Where the relay begins behind bytes whose running hash is known, the whole is still judged before its end leaves.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import aclosing

from ..settings.model import Upstream
from ..upstream.ask import Ask
from ..upstream.exchange import Exchange
from ..upstream.response_head import HopFailed
from ..values.digest import Digest
from ..values.failures import UpstreamUnavailable, WrongBytes
from .attempts import judge_status
from .limits import HOLD_BACK_BYTES, LEAST_GAIN_BYTES, ROUNDS_LIMIT
from .means import Means, Passage
from .trail import Trail

_PIECE_BYTES = 128 * 1024


class Relay:
    """The bytes `start` … `end`-1 of a blob of `total`, fetched from `begin` on.

    `seen`: the running hash of all bytes before `begin`; without it nothing is judged. `trail` is where it is noted on
    the way. Use `pieces` once.
    """

    def __init__(
        self, means: Means, digest: Digest, passage: Passage, total: int, end: int, start: int, begin: int
    ) -> None:
        self._means = means
        self._digest = digest
        self._passage = passage
        self.total = total
        self._end = end
        self._start = start
        self._begin = self._position = begin
        self.seen: hashlib._Hash | None = None
        self._sources: set[Upstream] = set()
        self._given_up = False
        self.trail = Trail()

    def lend(self, passage: Passage) -> None:
        """Another client waits for the same bytes: what lasts longer is asked with, should it be asked again."""
        if passage.expires_s > self._passage.expires_s:
            self._passage = passage

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The bytes, the last HOLD_BACK_BYTES only after the verdict. Raise WrongBytes or an upstream failure."""
        held: deque[bytes] = deque()
        held_bytes = 0
        async with aclosing(self._fetched()) as fetched:
            async for data in fetched:
                if self.seen is None:
                    yield data
                    continue
                held.append(data)
                held_bytes += len(data)
                while held_bytes - len(held[0]) >= HOLD_BACK_BYTES:
                    held_bytes -= len(held[0])
                    yield held.popleft()
        if self.seen is not None and self.seen.hexdigest() != self._digest.hex:
            # What others had brought before may be what is wrong, and nobody knows any more who they were.
            for hop in self._sources if self._begin == 0 else ():
                self._means.attempts.failed(hop, HopFailed(f"the bytes it sent do not hash to {self._digest}"))
            raise WrongBytes("the relayed bytes do not hash to the digest")
        while held:
            yield held.popleft()

    async def _fetched(self) -> AsyncGenerator[bytes]:
        """From `start` on, whoever delivers. An upstream counts as answering with its first piece."""
        try:
            async with aclosing(self._from_one_after_another()) as fetched:
                async for data in fetched:
                    yield data
        finally:
            self._given_up = True

    async def _from_one_after_another(self) -> AsyncGenerator[bytes]:
        drops = 0
        while self._position < self._end:
            began = self._position
            opened: list[tuple[Upstream, Exchange, bytes]] = []

            async def attempt(hop: Upstream, opened: list[tuple[Upstream, Exchange, bytes]] = opened) -> None:
                loop = asyncio.get_running_loop()
                opened.append((hop, *await loop.run_in_executor(self._means.questions, self._open, hop)))

            await self._means.attempts.until_answered(attempt, lambda: self._position)
            hop, exchange, data = opened[0]
            self._sources.add(hop)
            async with aclosing(self._rest_of(hop, exchange, data)) as rest:
                async for data in rest:
                    yield data
            drops = drops + 1 if self._position - began < LEAST_GAIN_BYTES else 0
            if drops > ROUNDS_LIMIT and self._position < self._end:
                raise UpstreamUnavailable("the upstreams break off again and again")

    async def _rest_of(self, hop: Upstream, exchange: Exchange, data: bytes) -> AsyncGenerator[bytes]:
        reading: Future[bytes] | None = None
        try:
            while True:
                if data:
                    yield data
                if self._position >= self._end:
                    return
                reading = self._means.threads.submit(self._read, exchange)
                data = await asyncio.wrap_future(reading)
        except HopFailed as failure:
            self._means.attempts.failed(hop, failure)
        finally:
            if reading is None or reading.done():
                exchange.close()
            else:
                # A descriptor that a thread waits on is closed by nobody else: its number would be given away.
                exchange.abort()
                reading.add_done_callback(lambda _: exchange.close())

    def _open(self, hop: Upstream) -> tuple[Exchange, bytes]:
        """In a thread: an answer that fits, and its first piece."""
        end = None if self._end == self.total else self._end
        ask = Ask("GET", self._passage.target, self._position, end, self._passage.headers, for_blob=True)
        exchange = self._means.exchanges.open(hop, ask)
        try:
            self._pass_over(exchange, self._skip(exchange, ask))
            return exchange, self._read(exchange)
        except BaseException:
            exchange.close()
            raise

    def _skip(self, exchange: Exchange, ask: Ask) -> int:
        """How many bytes of the body come before the wanted ones. Raise HopFailed where the answer does not fit."""
        head = exchange.head
        judge_status(head)
        if head.status == 206:
            piece = head.content_range()
            if not ask.is_ranged or piece is None or piece[0] != self._position or piece[2] != self.total:
                raise HopFailed("a partial answer (206) that does not fit the question")
            return 0
        if head.length not in (None, self.total):
            raise HopFailed(f"it says the blob has {head.length} bytes, expected {self.total}")
        return self._position

    def _pass_over(self, exchange: Exchange, skip: int) -> None:
        buffer = memoryview(bytearray(_PIECE_BYTES))
        while skip:
            count = self._take(exchange, buffer[: min(skip, self._means.throttle.piece_bytes, len(buffer))])
            skip -= count

    def _read(self, exchange: Exchange) -> bytes:
        """In a thread: the next piece, without what lies before `start`."""
        limit = min(_PIECE_BYTES, self._means.throttle.piece_bytes, self._end - self._position)
        buffer = memoryview(bytearray(limit))
        count = self._take(exchange, buffer)
        if self.seen is not None:
            self.seen.update(buffer[:count])
        before = min(count, max(0, self._start - self._position))
        self._position += count
        if self.seen is not None:
            self.trail.mark(self._position, self.seen)
        return bytes(buffer[before:count])

    def _take(self, exchange: Exchange, buffer: memoryview) -> int:
        if self._given_up:
            raise HopFailed("given up")
        count = exchange.read_into(buffer)
        if count == 0:
            raise HopFailed("the body ended early")
        self._means.throttle.take(count, lambda: self._given_up)
        return count
