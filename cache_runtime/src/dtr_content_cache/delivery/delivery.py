"""One answer's bytes, wherever they come from: a verified file, one that is being hashed, or a flight.

Owns how a reader follows each of them, and how it goes on without the volume. Rule for editors: whoever iterates
`pieces` may stop at any piece; what is held is let go in `close`, never in a generator's end alone.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from ..storage import Identity, OpenBlob, Store
from ..values.byte_range import ByteRange
from ..values.digest import Digest
from ..values.events import StorageTrouble
from ..values.failures import NoSpace, StorageBroken, WrongBytes
from .bypass import Bypass
from .filling import Filling
from .flight import Flight
from .means import Means, Passage
from .streams import Streams
from .verification import Verification


@dataclass(frozen=True, slots=True)
class FilePart:
    """Send `length` bytes at `offset` of the open file `fd`. `judged`: the file as it was when its bytes were found
    right, None while a flight writes it. That may be a while ago."""

    fd: int
    offset: int
    length: int
    judged: Identity | None = None


class Delivery:
    """`total`: the blob's length. `cache`: "hit", "miss", "collapsed" or "bypass". Iterate `pieces`, then `close`."""

    total: int
    cache: str
    upstream: str = ""

    def pieces(self, piece: ByteRange) -> AsyncGenerator[FilePart | bytes]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class StoredDelivery(Delivery):
    """A verified blob: `fd` may be sent by the kernel as it is."""

    cache = "hit"

    def __init__(self, store: Store, blob: OpenBlob) -> None:
        self._store = store
        self.blob = blob
        self.fd = blob.fd
        self.total = blob.size

    async def pieces(self, piece: ByteRange) -> AsyncGenerator[FilePart | bytes]:
        if piece.length:
            yield FilePart(self.fd, piece.start, piece.length, self.blob.identity)

    def close(self) -> None:
        self._store.files.close(self.fd)


class CheckedDelivery(Delivery):
    """A blob on the volume whose hashing takes long: its readers follow the hashing."""

    cache = "hit"

    def __init__(self, check: Verification) -> None:
        self._check = check
        self.total = check.blob.size

    async def pieces(self, piece: ByteRange) -> AsyncGenerator[FilePart | bytes]:
        position = piece.start
        while position < piece.end:
            until = await self._check.available(position, piece.end)
            yield FilePart(self._check.blob.fd, position, until - position, self._check.blob.identity)
            position = until

    def close(self) -> None:
        self._check.release()


class BypassDelivery(Delivery):
    """A blob that is streamed past the volume already, or is about to be, of `total` bytes."""

    cache = "bypass"

    def __init__(self, means: Means, streams: Streams, digest: Digest, passage: Passage, total: int) -> None:
        self.total = total
        self._bypass = Bypass(means, streams, digest, passage, total, 0, hashlib.sha256())

    async def pieces(self, piece: ByteRange) -> AsyncGenerator[FilePart | bytes]:
        async with aclosing(self._bypass.pieces(piece, judged=is_judged(piece, self.total))) as pieces:
            async for data in pieces:
                yield data

    def close(self) -> None:
        pass


class FlightDelivery(Delivery):
    """A reader of a flight; goes on past the volume where the flight loses it."""

    def __init__(self, means: Means, streams: Streams, flight: Flight, passage: Passage, cache: str) -> None:
        self._means = means
        self._streams = streams
        self._flight = flight
        self._passage = passage
        self._held: Filling | None = None
        self._generation: int | None = None  # of which this answer has sent bytes, whichever of its pieces they were
        self.cache = cache
        flight.join(passage)

    async def ready(self) -> FlightDelivery:
        """Wait until the length is known. Raise the flight's failure."""
        self.total = await self._flight.known_total()
        self.upstream = self._flight.hop
        if isinstance(self._flight.failure, NoSpace | StorageBroken):
            self.cache = "bypass"
        return self

    async def pieces(self, piece: ByteRange) -> AsyncGenerator[FilePart | bytes]:
        position = piece.start
        judged = is_judged(piece, self.total)
        try:
            while position < piece.end:
                file, until = await self._flight.available(
                    position, piece.end, self.total, self._generation, judged=judged
                )
                filling = self._hold(file)
                self._generation = self._flight.generation
                yield FilePart(filling.fd, position, until - position, self._flight.judged)
                position = until
            return
        except (NoSpace, StorageBroken):
            pass
        async with aclosing(self._without_volume(ByteRange(position, piece.end), judged)) as rest:
            async for more in rest:
                yield more

    async def _without_volume(self, rest: ByteRange, judged: bool) -> AsyncGenerator[FilePart | bytes]:
        """First what did reach the file, then past the volume, with the hash of everything before it."""
        prefix, seen, filling = 0, hashlib.sha256(), None
        if self._flight.filling is not None:
            filling = self._hold(self._flight.filling)
            prefix, seen = await self._prefix_hash(filling)
        if prefix >= self.total and seen.hexdigest() != self._flight.digest.hex:
            raise WrongBytes("the bytes do not hash to the digest")
        start = max(rest.start, min(prefix, rest.end))
        if filling is not None and rest.start < start:
            yield FilePart(filling.fd, rest.start, start - rest.start)
        if start == rest.end:
            return
        bypass = Bypass(self._means, self._streams, self._flight.digest, self._passage, self.total, prefix, seen)
        async with aclosing(bypass.pieces(ByteRange(start, rest.end), judged=judged)) as past_it:
            async for data in past_it:
                yield data

    async def _prefix_hash(self, filling: Filling) -> tuple[int, hashlib._Hash]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._means.threads, filling.prefix_hash)
        except StorageBroken as failure:
            self._means.emit(StorageTrouble("reading", str(failure)))
            return 0, hashlib.sha256()

    def _hold(self, filling: Filling) -> Filling:
        if self._held is not filling:
            if self._held is not None:
                self._held.release()
            self._held = filling.hold()
        return filling

    def close(self) -> None:
        self._flight.leave()
        if self._held is not None:
            self._held.release()


def is_judged(piece: ByteRange, total: int) -> bool:
    """Do the last bytes of this piece wait for the verdict on the blob? Where it makes a client believe that it has
    the whole: the whole itself, and the rest of it that a client asks for after a break."""
    return piece.end == total and (piece.start == 0 or piece.open_ended)
