"""From an upstream straight to one client, without the volume: no room for the blob, or a volume in trouble.

Bounded memory: a thread reads ahead by a few pieces and waits for the client. Where the relay goes on after bytes
that came from a file, it is given their running hash, so that the whole is still judged before its end leaves.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator

from ..settings.model import Upstream
from ..upstream.exchange import Ask, Exchange
from ..upstream.response_head import HopFailed
from ..values.byte_range import ByteRange
from ..values.digest import Digest
from ..values.failures import WrongBytes
from .attempts import judge_status
from .flight import Means, Passage
from .limits import HOLD_BACK_BYTES

_PIECE_BYTES = 128 * 1024
_READ_AHEAD_PIECES = 4


class Relay:
    """`piece` of a blob of `total` bytes. `seen`: the hash of all bytes before it, or None where nobody knows it."""

    def __init__(
        self, means: Means, digest: Digest, passage: Passage, piece: ByteRange, total: int, seen: hashlib._Hash | None
    ) -> None:
        self._means = means
        self._digest = digest
        self._passage = passage
        self._end = piece.end
        self._total = total
        self._seen = seen if piece.end == total else None
        self._position = piece.start
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_READ_AHEAD_PIECES)
        self._exchange: Exchange | None = None
        self._closed = False
        self._failure: BaseException | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes, the last HOLD_BACK_BYTES only after the verdict. Raise WrongBytes or an upstream failure."""
        task = asyncio.get_running_loop().create_task(self._run())
        held: deque[bytes] = deque()
        held_bytes = 0
        try:
            while (data := await self._queue.get()) is not None:
                if self._seen is None:
                    yield data
                    continue
                self._seen.update(data)
                held.append(data)
                held_bytes += len(data)
                while held_bytes - len(held[0]) >= HOLD_BACK_BYTES:
                    held_bytes -= len(held[0])
                    yield held.popleft()
            if self._failure is not None:
                raise self._failure
            if self._seen is not None and self._seen.hexdigest() != self._digest.hex:
                raise WrongBytes("the relayed bytes do not hash to the digest")
            while held:
                yield held.popleft()
        finally:
            self._closed = True
            if self._exchange is not None:
                self._exchange.abort()
            while not self._queue.empty():
                self._queue.get_nowait()  # lets a thread that waits for room see that it is over
            task.cancel()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._position < self._end and not self._closed:
                await self._means.attempts.until_answered(
                    lambda hop: loop.run_in_executor(self._means.threads, self._fetch, hop, loop),
                    lambda: self._position,
                )
        except asyncio.CancelledError:
            raise
        except BaseException as failure:
            self._failure = failure
        await self._queue.put(None)

    def _fetch(self, hop: Upstream, loop: asyncio.AbstractEventLoop) -> None:
        end = None if self._end == self._total else self._end
        ask = Ask("GET", self._passage.target, self._position, end, self._passage.headers)
        exchange = self._means.exchanges.open(hop, ask)
        self._exchange = exchange
        try:
            judge_status(exchange.head)
            skip = 0
            if exchange.head.status == 206:
                piece = exchange.head.content_range()
                if not ask.is_ranged or piece is None or piece[0] != self._position or piece[2] != self._total:
                    raise HopFailed("a partial answer (206) that does not fit the question")
            else:
                skip = self._position
                if exchange.head.length not in (None, self._total):
                    raise HopFailed(f"it says the blob has {exchange.head.length} bytes, expected {self._total}")
            buffer = memoryview(bytearray(_PIECE_BYTES))
            while self._position < self._end and not self._closed:
                limit = min(_PIECE_BYTES, self._means.throttle.piece_bytes, skip or self._end - self._position)
                count = exchange.read_into(buffer[:limit])
                if count == 0:
                    raise HopFailed("the body ended early")
                self._means.throttle.take(count)
                if skip:
                    skip -= count
                    continue
                asyncio.run_coroutine_threadsafe(self._queue.put(bytes(buffer[:count])), loop).result()
                self._position += count
        finally:
            self._exchange = None
            exchange.close()
