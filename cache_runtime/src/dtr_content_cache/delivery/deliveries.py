"""The desk: it decides where an answer's bytes come from, and owns the table of flights.

A blob is looked for in this order: a flight that is under way, the volume (verified, or being verified), a new flight.
"""

from __future__ import annotations

import asyncio

from ..settings.model import Upstream
from ..storage import OpenBlob
from ..values.blob_address import BlobAddress
from ..values.events import StorageTrouble
from ..values.failures import NoSpace, StorageBroken
from .at_once import begun_at_once
from .delivery import BypassDelivery, CheckedDelivery, Delivery, FlightDelivery, StoredDelivery
from .filling import Filling
from .flight import Abandoned, Flight
from .length import told_length
from .limits import STORED_AT_END_WITHIN_S
from .means import Means, Passage
from .parking import Parking
from .states import State
from .streams import Streams
from .verification import Verdicts


class Deliveries:
    """The desk. All of it on the loop; one for each registry, which share `max_fills`."""

    def __init__(self, means: Means, verdicts: Verdicts, max_fills: asyncio.Semaphore) -> None:
        self.means = means
        self.verdicts = verdicts
        self._slots = max_fills
        self._flights: dict[str, Flight] = {}
        self.parked = Parking()
        means.space.waiting.append(self.parked.give_up)
        self.streams = Streams()
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
        return StoredDelivery(self.means.store, blob)

    async def deliver(self, address: BlobAddress, passage: Passage) -> Delivery:
        """Raise BlobUnknown, UpstreamDenied, CircleRefused or UpstreamUnavailable where nothing can be delivered."""
        flight = self._flights.get(address.digest.hex)
        if flight is None:
            found = await self._on_volume(address)
            if found is not None:
                return found
        self.means.refuse_circle(passage)
        # From here to the flight's creation there is no await: that is what makes it one flight a digest.
        flight = self._flights.get(address.digest.hex)
        total = self.streams.total_of(address.digest) if flight is None else None
        if total is not None:
            return BypassDelivery(self.means, self.streams, address.digest, passage, total)
        cache = "miss" if flight is None else "hit" if flight.verified else "collapsed"
        is_new = flight is None
        flight = flight or self._prepare(address, passage)
        reader = FlightDelivery(self.means, self.streams, flight, passage, cache)
        if is_new:
            self._take_off(flight)
        try:
            return await reader.ready()
        except BaseException:
            reader.close()
            raise

    async def length(self, address: BlobAddress, passage: Passage) -> tuple[int, str]:
        """(length, "hit" or "miss") for a HEAD: from the volume, a flight, or an upstream's HEAD; nothing is filled."""
        flight = self._flights.get(address.digest.hex)
        if flight is not None and flight.total is not None:
            return flight.total, "hit" if flight.verified else "miss"
        found = await self._on_volume(address)
        if found is not None:
            found.close()
            return found.total, "hit"
        self.means.refuse_circle(passage)
        lengths: list[int] = []

        def ask(hop: Upstream) -> None:
            lengths.append(told_length(self.means.exchanges, hop, passage.target, passage.headers))

        loop = asyncio.get_running_loop()
        await self.means.attempts.until_answered(lambda hop: loop.run_in_executor(self.means.questions, ask, hop))
        return lengths[-1], "miss"

    def distrust(self, address: BlobAddress) -> None:
        """Its file did not give the bytes that it should: judge it anew before it is sent again, and let nobody join
        the flight that fills it."""
        self.verdicts.distrust(address.digest)
        self._flights.pop(address.digest.hex, None)

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
            return StoredDelivery(self.means.store, blob)
        check = self.verdicts.check(address.digest, blob)
        try:
            verdict = await self.verdicts.settled(check)
        except BaseException:
            check.release()  # the client left while we hashed
            raise
        if verdict is False:
            check.release()
            return None
        return CheckedDelivery(check)

    def _prepare(self, address: BlobAddress, passage: Passage) -> Flight:
        flight = Flight(self.means, address, passage, self.parked.take(address.digest.hex))
        self._flights[address.digest.hex] = flight
        return flight

    def _take_off(self, flight: Flight) -> None:
        # At once: its upstream answers while the loop is busy with all the others that came for the blob.
        task = begun_at_once(self._fly(flight.digest.hex, flight))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        flight.let_ask()

    async def _fly(self, key: str, flight: Flight) -> None:
        try:
            await flight.run(self._slots)
        finally:
            is_trusted = self._flights.get(key) is flight
            if is_trusted:
                del self._flights[key]
            self._land(flight, is_trusted=is_trusted)

    def _land(self, flight: Flight, *, is_trusted: bool) -> None:
        filling = flight.filling
        if _lost_volume(flight) and flight.readers and flight.total is not None:
            self.streams.expect(flight.digest, flight.total)
        if flight.state is State.STORED and flight.identity is not None and is_trusted:
            self.verdicts.trust(flight.digest, flight.identity)
        if filling is not None and flight.state is not State.STORED:
            if is_trusted and self._worth_parking(flight, filling):
                self.parked.keep(filling.hold())
            else:
                filling.drop()
        flight.land()

    def _worth_parking(self, flight: Flight, filling: Filling) -> bool:
        return not _lost_volume(flight) and (filling.present_bytes() > 0 or isinstance(flight.failure, Abandoned))

    async def stop(self) -> None:
        """Let blobs that are complete and right be stored, end every other flight, drop what is unfinished."""
        try:
            async with asyncio.timeout(STORED_AT_END_WITHIN_S):
                for flight in [flight for flight in self._flights.values() if flight.verified]:
                    await flight.landed()
        except TimeoutError:
            pass  # the volume hangs: the next life sweeps
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.parked.drop_all()


def _lost_volume(flight: Flight) -> bool:
    return isinstance(flight.failure, NoSpace | StorageBroken)
