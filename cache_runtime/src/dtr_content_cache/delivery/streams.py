"""Streaming through: one transfer past the volume for all clients that are near each other in the blob.

Owns a window of the latest bytes in memory, followed by readers at their own pace. The transfer goes as fast as the
fastest of them, so a slow one costs nobody speed; it falls out of the window and goes on by a relay of its own. Bytes
enter the window in order and the last ones only after the verdict, because a relay brings them. Rule for editors: what
all windows hold together is bounded; nothing here may grow with the blobs or with the clients. Event loop only.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..values.digest import Digest
from ..values.events import Emit, Fault
from ..values.failures import Failure, UpstreamUnavailable, WrongBytes
from .limits import AHEAD_BYTES, EXPECTED_S, TRAILS_LIMIT, WINDOW_LEAST_BYTES, WINDOWS_BYTES
from .progress import Progress
from .relay import Relay
from .trail import Trail


class FellBehind(Exception):
    """The window has left this reader; `position` is the next byte that it needs."""

    def __init__(self, position: int) -> None:
        self.position = position


class Stream:
    """The window [`base`, `position`) of a blob on its way, brought by `relay`. It lives while somebody reads.

    `streams` is told when it has come to its end (`ended`) and when its last reader has left (`left`).
    """

    def __init__(self, relay: Relay, begin: int, streams: Streams, emit: Emit) -> None:
        self.relay = relay
        self.base = self.position = begin
        self._streams = streams
        self._emit = emit
        self._pieces: deque[bytes] = deque()
        self._readers: dict[object, int] = {}  # where each of them is
        self._failure: Failure | None = None
        self._progress = Progress(asyncio.get_running_loop())
        self._pump = asyncio.get_running_loop().create_task(self._bring())

    def reaches(self, start: int) -> bool:
        """Can a reader that begins at `start` follow it?"""
        return self._failure is None and self.base <= start <= self.position + AHEAD_BYTES

    async def pieces(self, start: int, end: int) -> AsyncGenerator[bytes]:
        """Raise FellBehind, or what ended the transfer."""
        reader, position = object(), start
        self._readers[reader] = start
        try:
            while position < end:
                changed = self._progress.changed()
                if isinstance(self._failure, WrongBytes):
                    raise self._failure  # however far behind: it has some of them
                if position < self.base:
                    raise FellBehind(position)
                data = self._piece_at(position)[: end - position]
                if data:
                    yield data
                    position += len(data)
                    self._readers[reader] = position
                    self._progress.advance()  # the transfer may wait for us
                elif self._failure is not None:
                    raise self._failure
                else:
                    await changed
        finally:
            del self._readers[reader]
            self._progress.advance()
            if not self._readers:
                # At once: nobody may join what ends.
                self._failure = self._failure or UpstreamUnavailable("nobody reads any more")
                self._pump.cancel()
                self._streams.left(self)

    def _piece_at(self, position: int) -> bytes:
        """What is left of the piece that holds `position`; empty where it has not come yet."""
        start = self.position
        for piece in reversed(self._pieces):
            start -= len(piece)
            if start <= position:
                return piece[position - start :]
        return b""

    async def _bring(self) -> None:
        try:
            async with aclosing(self.relay.pieces()) as pieces:
                async for data in pieces:
                    self._pieces.append(data)
                    self.position += len(data)
                    self.shrink()
                    self._progress.advance()
                    await self._until_wanted()
        except Failure as failure:
            self._failure = failure
        except Exception:
            self._emit(Fault("stream", traceback.format_exc()))
            self._failure = UpstreamUnavailable("internal error")
        else:
            self._failure = UpstreamUnavailable("the transfer is over")  # for whoever waits for more than it had
        finally:
            self._progress.advance()
            self._streams.ended(self)

    def shrink(self) -> None:
        """To what it may hold now; whoever is behind that will notice."""
        limit = self._streams.window_bytes
        while self._pieces and self.position - self.base - len(self._pieces[0]) >= limit:
            self.base += len(self._pieces.popleft())

    async def _until_wanted(self) -> None:
        while True:
            changed = self._progress.changed()
            ahead = min(AHEAD_BYTES, self._streams.window_bytes // 2)  # or its fastest reader would fall behind
            if self.position - max(self._readers.values(), default=0) < ahead:
                return
            await changed


class Streams:
    """Those under way, the newest of each blob, and those about to begin; and the trails of the last few blobs, for
    clients that come back."""

    def __init__(self) -> None:
        self._newest: dict[str, Stream] = {}
        self._held: set[Stream] = set()
        self._trails: OrderedDict[str, Trail] = OrderedDict()
        self._expected: dict[str, tuple[int, asyncio.TimerHandle]] = {}

    @property
    def window_bytes(self) -> int:
        """What each may hold."""
        return max(WINDOW_LEAST_BYTES, WINDOWS_BYTES // max(1, len(self._held)))

    def reaching(self, digest: Digest, start: int, total: int | None = None) -> Stream | None:
        """One that a reader at `start` can follow. `total` is the length that it was told, None if none yet: where two
        upstreams tell two, the end of one blob is not the end of the other."""
        stream = self._newest.get(digest.hex)
        if stream is None or not stream.reaches(start) or total not in (None, stream.relay.total):
            return None
        return stream

    def begin(self, digest: Digest, relay: Relay, begin: int, emit: Emit) -> Stream:
        stream = self._newest[digest.hex] = Stream(relay, begin, self, emit)
        self._held.add(stream)
        self._expect_no_longer(digest)
        for held in self._held:
            held.shrink()
        return stream

    def expect(self, digest: Digest, total: int) -> None:
        """The volume does not take the blob of `total` bytes: its readers are about to begin a stream of it."""
        self._expect_no_longer(digest)
        end = asyncio.get_running_loop().call_later(EXPECTED_S, self._expect_no_longer, digest)
        self._expected[digest.hex] = (total, end)

    def _expect_no_longer(self, digest: Digest) -> None:
        if digest.hex in self._expected:
            _, end = self._expected.pop(digest.hex)
            end.cancel()

    def total_of(self, digest: Digest) -> int | None:
        """Of a blob that is streamed from its start, or is about to be; None where that is not so."""
        stream = self.reaching(digest, 0)
        if stream is not None:
            return stream.relay.total
        return self._expected[digest.hex][0] if digest.hex in self._expected else None

    def left(self, stream: Stream) -> None:
        self._held.discard(stream)
        self.ended(stream)

    def ended(self, stream: Stream) -> None:
        for key in [key for key, newest in self._newest.items() if newest is stream]:
            del self._newest[key]

    def trail(self, digest: Digest) -> Trail:
        """Of what was streamed of this blob; a new one where nothing was, or too long ago."""
        trail = self._trails.setdefault(digest.hex, Trail())
        self._trails.move_to_end(digest.hex)
        if len(self._trails) > TRAILS_LIMIT:
            self._trails.popitem(last=False)
        return trail

    def forget_trail(self, digest: Digest) -> None:
        """What it leads over turned out wrong."""
        self._trails.pop(digest.hex, None)
