"""One answer's bytes, wherever they come from; and the desk that decides where they come from.

The desk owns the table of flights. A blob is looked for in this order: a flight that is under way, the volume
(verified, or being verified), a new flight. What a flight cannot put on the volume is relayed.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from ..settings.model import Upstream
from ..storage import OpenBlob
from ..upstream.exchange import Ask
from ..upstream.response_head import HopFailed
from ..values.blob_address import BlobAddress
from ..values.byte_range import ByteRange
from ..values.events import StorageTrouble
from ..values.failures import NoSpace, StorageBroken, WrongBytes
from .attempts import judge_status
from .filling import Filling
from .flight import Abandoned, Flight
from .limits import JUDGED_AHEAD_BYTES, PARKED_LIMIT, PARKED_S
from .means import Means, Passage
from .relay import Relay
from .states import State
from .verification import Verdicts, Verification


@dataclass(frozen=True, slots=True)
class FilePart:
    """Send `length` bytes at `offset` of the open file `fd`."""

    fd: int
    offset: int
    length: int


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

    def __init__(self, desk: Deliveries, blob: OpenBlob) -> None:
        self._desk = desk
        self.fd = blob.fd
        self.total = blob.size

    async def pieces(self, piece: ByteRange) -> AsyncGenerator[FilePart | bytes]:
        if piece.length:
            yield FilePart(self.fd, piece.start, piece.length)

    def close(self) -> None:
        self._desk.means.store.files.close(self.fd)


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
            yield FilePart(self._check.blob.fd, position, until - position)
            position = until

    def close(self) -> None:
        self._check.release()


class FlightDelivery(Delivery):
    """A reader of a flight; goes on by a relay of its own where the flight loses the volume."""

    def __init__(self, desk: Deliveries, flight: Flight, passage: Passage, cache: str) -> None:
        self._desk = desk
        self._flight = flight
        self._passage = passage
        self._held: Filling | None = None
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
        position, generation = piece.start, None
        judged = is_judged(piece, self.total)
        try:
            while position < piece.end:
                file, until = await self._flight.available(
                    position, piece.end, self.total, generation, judged=judged
                )
                filling = self._hold(file)
                generation = self._flight.generation
                yield FilePart(filling.fd, position, until - position)
                position = until
            return
        except (NoSpace, StorageBroken):
            pass
        async with aclosing(self._without_volume(ByteRange(position, piece.end), judged)) as rest:
            async for more in rest:
                yield more

    async def _without_volume(self, rest: ByteRange, judged: bool) -> AsyncGenerator[FilePart | bytes]:
        """First what did reach the file, then a relay that knows the hash of everything before it."""
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
        if not judged or start - prefix > JUDGED_AHEAD_BYTES:
            relay = Relay(self._desk.means, self._flight.digest, self._passage, self.total, rest.end, start, start)
        else:
            relay = Relay(self._desk.means, self._flight.digest, self._passage, self.total, rest.end, start, prefix)
            relay.seen = seen
        async with aclosing(relay.pieces()) as relayed:
            async for data in relayed:
                yield data

    async def _prefix_hash(self, filling: Filling) -> tuple[int, hashlib._Hash]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._desk.means.threads, filling.prefix_hash)
        except StorageBroken as failure:
            self._desk.means.emit(StorageTrouble("reading", str(failure)))
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
            self._held = None


def is_judged(piece: ByteRange, total: int) -> bool:
    """Do the last bytes of this piece wait for the verdict on the blob? Where it makes a client believe that it has
    the whole: the whole itself, and the rest of it that a client asks for after a break."""
    return piece.end == total and (piece.start == 0 or piece.open_ended)


class Deliveries:
    """The desk. All of it on the loop; one for each process."""

    def __init__(self, means: Means, verdicts: Verdicts, max_fills: int) -> None:
        self.means = means
        self.verdicts = verdicts
        self._slots = asyncio.Semaphore(max_fills)
        self._flights: dict[str, Flight] = {}
        self._parked: dict[str, tuple[float, Filling]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def flights(self) -> tuple[Flight, ...]:
        return tuple(self._flights.values())

    def stored(self, address: BlobAddress) -> StoredDelivery | None:
        """The blob if it lies verified on the volume: the short way, without a single await."""
        if address.digest.hex in self._flights:
            return None
        blob = self._open(address)
        if blob is None:
            return None
        if not self.verdicts.trusts(address.digest, blob.identity):
            self.means.store.files.close(blob.fd)
            return None
        return StoredDelivery(self, blob)

    async def deliver(self, address: BlobAddress, passage: Passage) -> Delivery:
        """Raise BlobUnknown, UpstreamDenied or UpstreamUnavailable where nothing can be delivered."""
        flight = self._flights.get(address.digest.hex)
        if flight is None:
            found = await self._on_volume(address)
            if found is not None:
                return found
        # From here to the flight's creation there is no await: that is what makes it one flight a digest.
        flight = self._flights.get(address.digest.hex)
        cache = "miss" if flight is None else "hit" if flight.verified else "collapsed"
        reader = FlightDelivery(self, flight or self._take_off(address, passage), passage, cache)
        try:
            return await reader.ready()
        except BaseException:
            reader.close()
            raise

    async def length(self, address: BlobAddress, passage: Passage) -> tuple[int, str]:
        """(length, "hit" or "miss") for a HEAD: from the volume, a flight, or an upstream's HEAD; nothing is filled."""
        flight = self._flights.get(address.digest.hex)
        if flight is not None and flight.total is not None:
            return flight.total, "miss"
        found = await self._on_volume(address)
        if found is not None:
            found.close()
            return found.total, "hit"
        lengths: list[int] = []

        def ask(hop: Upstream) -> None:
            question = Ask("HEAD", passage.target, headers=passage.headers, for_blob=True)
            exchange = self.means.exchanges.open(hop, question)
            exchange.close()
            judge_status(exchange.head)
            if exchange.head.length is None or exchange.head.status != 200:
                raise HopFailed("it does not say how long the blob is")
            lengths.append(exchange.head.length)

        loop = asyncio.get_running_loop()
        await self.means.attempts.until_answered(lambda hop: loop.run_in_executor(self.means.threads, ask, hop))
        return lengths[-1], "miss"

    def distrust(self, address: BlobAddress) -> None:
        """Its file did not give the bytes that it should: judge it anew before it is sent again."""
        self.verdicts.distrust(address.digest)

    def _open(self, address: BlobAddress) -> OpenBlob | None:
        try:
            return self.means.store.open(address.digest)
        except (StorageBroken, NoSpace) as failure:
            self.means.emit(StorageTrouble("opening", str(failure)))
            return None

    async def _on_volume(self, address: BlobAddress) -> Delivery | None:
        blob = self._open(address)
        if blob is None:
            return None
        if self.verdicts.trusts(address.digest, blob.identity):
            return StoredDelivery(self, blob)
        check = self.verdicts.check(address.digest, blob)
        try:
            verdict = await self.verdicts.settled(check)
        except BaseException:
            check.release()  # the client left while we hashed
            raise
        if verdict is False:
            self.means.space.note_lost(address.digest, blob.size)
            check.release()
            return None
        return CheckedDelivery(check)

    def _take_off(self, address: BlobAddress, passage: Passage) -> Flight:
        key = address.digest.hex
        _, parked = self._parked.pop(key, (0.0, None))
        flight = self._flights[key] = Flight(self.means, address, passage, parked, self._drop_all_parked)
        task = asyncio.get_running_loop().create_task(self._fly(key, flight))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return flight

    async def _fly(self, key: str, flight: Flight) -> None:
        try:
            await flight.run(self._slots)
        finally:
            del self._flights[key]
            self._land(key, flight)

    def _land(self, key: str, flight: Flight) -> None:
        filling = flight.filling
        if flight.state is State.STORED and flight.identity is not None:
            self.verdicts.trust(flight.digest, flight.identity)
        if filling is not None and flight.state is not State.STORED:
            if self._worth_parking(flight, filling):
                self._park(key, filling.hold())
            else:
                filling.drop()
        flight.land()

    def _worth_parking(self, flight: Flight, filling: Filling) -> bool:
        lost_volume = isinstance(flight.failure, NoSpace | StorageBroken)
        return not lost_volume and (filling.present_bytes() > 0 or isinstance(flight.failure, Abandoned))

    def _park(self, key: str, filling: Filling) -> None:
        """Keep the bytes of a fill that broke: whoever asks next goes on from there."""
        self._parked[key] = (time.monotonic() + PARKED_S, filling)
        filling.progress = None
        while len(self._parked) > PARKED_LIMIT:
            self._drop_parked(next(iter(self._parked)))
        asyncio.get_running_loop().call_later(PARKED_S + 1, self._drop_overdue)

    def _drop_overdue(self) -> None:
        now = time.monotonic()
        for key in [key for key, (until, _) in self._parked.items() if until <= now]:
            self._drop_parked(key)

    def _drop_parked(self, key: str) -> None:
        _, filling = self._parked.pop(key)
        filling.drop()
        filling.release()

    def _drop_all_parked(self) -> bool:
        """Give the room of what waits for nobody in particular to a blob that somebody waits for."""
        keys = list(self._parked)
        for key in keys:
            self._drop_parked(key)
        return bool(keys)

    async def stop(self) -> None:
        """End every flight and drop what is unfinished."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._drop_all_parked()
