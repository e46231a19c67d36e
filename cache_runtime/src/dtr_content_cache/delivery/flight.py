"""The flight of one blob: from "not here" to "stored", for any number of readers.

Theory of operation
-------------------
A flight owns one file (Filling) and gets it filled by *legs*, each a stretch of the blob fetched by one thread from one
upstream. The *main* leg goes from the first missing byte towards the end. A reader far ahead of it makes the flight
start a *segment*, a leg for the stretch that the reader wants; the main leg is shortened to end where the segment
begins, so each byte is fetched once. When a leg breaks, what it wrote stays; the next leg begins at the first byte
that is missing and that no segment is about to bring, with whichever upstream has its turn. So resuming, failing over
and leaping ahead are the same step: `_next_leg`.

Readers never talk to upstreams. They ask `available(position, …)`, which waits until the file has that byte, and send
from the file. The last HOLD_BACK_BYTES of a response that ends with the blob's last byte wait for the verdict. An
interior range cannot be judged by anybody before the whole blob is here; it is passed on as it arrives, because lazy
pullers and resuming clients live on it, and those clients hash the whole themselves.

The verdict: no byte missing, and the SHA-256 of all of them is the digest. A bad one rests the upstreams that had a
part in it and starts the file over (`generation` counts); a reader that has sent nothing yet does not notice, any
other is cut.

State moves only by this table, only on the loop; threads touch the file and `Leg.position`.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from ..retention.space import SpaceKeeper
from ..settings.model import Upstream
from ..storage import Identity, Store
from ..upstream.exchange import Exchanges
from ..upstream.response_head import HopFailed
from ..values.blob_address import BlobAddress
from ..values.clock import Clock
from ..values.digest import Digest
from ..values.events import Emit, Fault, FillEnded, FillResumed, FillStarted, StorageTrouble
from ..values.failures import Failure, NoSpace, StorageBroken, UpstreamUnavailable, WrongBytes
from .attempts import Attempts, HopDenied, HopUnknown
from .filling import Filling
from .leg import Leg
from .limits import (
    FAR_BYTES,
    HOLD_BACK_BYTES,
    LINGER_S,
    LINGER_WHOLE_BYTES,
    SEGMENTS_LIMIT,
    Throttle,
)
from .progress import Progress

T = TypeVar("T")


class State(Enum):
    WAITING = "waiting for a fill slot"
    FILLING = "filling"
    VERIFIED = "verified, being stored"
    STORED = "stored"
    FAILED = "failed"


TRANSITIONS = {
    State.WAITING: {State.FILLING, State.FAILED},
    State.FILLING: {State.VERIFIED, State.FAILED},
    State.VERIFIED: {State.STORED},
    State.STORED: set(),
    State.FAILED: set(),
}


@dataclass(frozen=True, slots=True)
class Passage:
    """What a reader may ask the upstreams with: path and query, and its own credentials; good until `expires_s`."""

    target: str
    expires_s: float
    headers: tuple[tuple[str, str], ...] = ()


class Abandoned(Failure):
    """Nobody reads any more, and too much is missing to go on for nobody."""


@dataclass(frozen=True, slots=True)
class Means:
    """What every flight works with."""

    store: Store
    space: SpaceKeeper
    exchanges: Exchanges
    attempts: Attempts
    throttle: Throttle
    threads: Executor
    clock: Clock
    emit: Emit


class Flight:
    def __init__(self, means: Means, address: BlobAddress, passage: Passage, parked: Filling | None) -> None:
        loop = asyncio.get_running_loop()
        self._means = means
        self.digest: Digest = address.digest
        self.repository = address.repository
        self.state = State.WAITING
        self.failure: Failure | None = None
        self.generation = 0
        self.readers = 0
        self.hop = ""  # the upstream that delivered last
        self.progress = Progress(loop)
        self.filling = parked
        self.total: int | None = None
        if parked is not None:
            self.total, parked.progress = parked.total, self.progress
        self._loop = loop
        self._passage = passage
        self._main: Leg | None = None
        self._segments: dict[Leg, asyncio.Task[None]] = {}
        self._started = time.monotonic()
        self._broke = ""
        self._contributors: set[Upstream] = set()
        self._wrong = 0
        self.identity: Identity | None = None  # of the stored file

    # -- for readers, on the loop ----------------------------------------------------------------------------------

    def join(self, passage: Passage) -> None:
        self.readers += 1
        if passage.expires_s > self._passage.expires_s:
            self._passage = passage

    def leave(self) -> None:
        self.readers -= 1
        if self.readers == 0 and self.state is State.FILLING:
            self._loop.call_later(LINGER_S, self._abandon_if_lonely)

    async def known_total(self) -> int:
        """The blob's length. Raise the flight's failure, except those of the volume once the length is known."""
        while self.total is None:
            changed = self.progress.changed()
            if self.total is None:
                self._raise_failure()
                await changed
        return self.total

    async def available(self, position: int, end: int, generation: int | None) -> tuple[Filling, int]:
        """Wait until the byte at `position` may be sent; return its file and where the sendable run ends (≤ `end`).

        `generation` is the one the reader has sent bytes of, None before its first. Raise WrongBytes if those bytes
        turned out wrong, or the flight's failure.
        """
        while True:
            changed = self.progress.changed()
            if generation is not None and generation != self.generation:
                raise WrongBytes("bytes sent before did not hash to the digest")
            filling = self.filling
            if filling is not None:
                run = min(filling.run_end(position), end)
                if not self.verified and end == filling.total:
                    run = min(run, max(0, filling.total - HOLD_BACK_BYTES))
                if run > position:
                    return filling, run
            self._raise_failure()
            if filling is not None and filling.run_end(position) == position:
                self._reach(filling, position, end)
            await changed

    @property
    def verified(self) -> bool:
        return self.state in (State.VERIFIED, State.STORED)

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure

    # -- the life of the flight --------------------------------------------------------------------------------------

    async def run(self, slots: asyncio.Semaphore) -> None:
        """To the end of the flight. Never raises: what went wrong is in `failure`, for the readers."""
        try:
            async with slots:
                self._move(State.FILLING)
                filling = await self._fill_until_right()
                self._move(State.VERIFIED)
                await self._keep(filling)
                self._move(State.STORED)
        except Failure as failure:
            self._fail(failure)
        except asyncio.CancelledError:
            self._fail(UpstreamUnavailable("stopping"))
            raise
        except Exception:
            self._means.emit(Fault("flight", traceback.format_exc()))
            self._fail(UpstreamUnavailable("internal error"))
        finally:
            for leg, task in self._segments.items():
                leg.abort()
                task.cancel()

    def _move(self, state: State) -> None:
        if state not in TRANSITIONS[self.state]:
            raise AssertionError(f"a flight cannot go from {self.state} to {state}")
        self.state = state
        self.progress.advance()

    def _fail(self, failure: Failure) -> None:
        if self._main is not None:
            self._main.abort()
        self.failure = failure
        outcome = "not-stored" if isinstance(failure, NoSpace | StorageBroken) else "failed"
        if isinstance(failure, WrongBytes):
            outcome, self.failure = "wrong-bytes", UpstreamUnavailable("every upstream delivers wrong bytes")
        if self.state is not State.VERIFIED:
            self._move(State.FAILED)
        self._tell_end(outcome, str(failure))

    def _tell_end(self, outcome: str, reason: str = "") -> None:
        fetched = self.filling.fetched_bytes if self.filling else 0
        self._means.emit(FillEnded(str(self.digest), outcome, fetched, time.monotonic() - self._started, reason))

    async def _fill_until_right(self) -> Filling:
        while True:
            await self._fill()
            filling = self.filling
            if filling is not None and await self._in_thread(filling.verdict):
                return filling
            self._start_over()

    def _start_over(self) -> None:
        """The bytes are wrong. Rest whoever had a part in them; try again as long as one upstream has not lied yet."""
        for hop in self._contributors:
            self._means.attempts.failed(hop, HopFailed(f"the bytes it sent do not hash to {self.digest}"))
        self._wrong += 1
        if self.filling is not None:
            self.filling.drop()
            self.filling.release()
        self.filling, self.total = None, None
        self.generation += 1
        self._contributors.clear()
        self.progress.advance()
        if self._wrong > len(self._means.attempts.turns):
            raise WrongBytes("no upstream delivers bytes that hash to the digest")

    async def _fill(self) -> None:
        while True:
            leg = self._next_leg()
            if leg is not None:
                self._main = leg
                try:
                    await self._means.attempts.until_answered(
                        lambda hop, leg=leg: self._fetch(leg, hop),  # type: ignore[misc]
                        lambda leg=leg: leg.position,  # type: ignore[misc]
                    )
                finally:
                    self._main = None
            elif self._segments:
                await self.progress.changed()
            else:
                return

    def _next_leg(self) -> Leg | None:
        """The first stretch that is missing and that no segment is about to bring."""
        if self.filling is None:
            return Leg(0, None, main=True)
        position = 0
        while True:
            position = self.filling.run_end(position)
            if position >= self.filling.total:
                return None
            coming = [leg for leg in self._segments if leg.covers(position)]
            if not coming:
                later = [leg.start for leg in self._segments if leg.start > position]
                return Leg(position, min([self.filling.gap_end(position), *later]), main=True)
            position = coming[0].end or self.filling.total

    async def _fetch(self, leg: Leg, hop: Upstream) -> None:
        start = leg.position
        if self._broke:
            self._means.emit(FillResumed(str(self.digest), hop.url, start, self._broke))
            self._broke = ""
        self._contributors.add(hop)
        self.hop = hop.url
        to_the_end = leg.end is None or leg.end == self.total
        passage = self._passage
        try:
            await self._in_thread(
                lambda: leg.fetch(
                    self._means.exchanges,
                    hop,
                    (passage.target, passage.headers),
                    self._means.throttle,
                    self._begin,
                    to_the_end,
                )
            )
        except HopFailed as failure:
            if leg.aborted:
                raise Abandoned("no reader left") from failure
            if leg.position > start:
                self._broke = str(failure)
            else:
                self._contributors.discard(hop)
            raise
        except (HopUnknown, HopDenied):
            self._contributors.discard(hop)
            raise

    def _begin(self, total: int) -> Filling:
        """In a fetch thread: the file to write to; made when the first answer tells the length."""
        if self.filling is not None:
            if total != self.filling.total:
                raise HopFailed(f"it says the blob has {total} bytes, another said {self.filling.total}")
            return self.filling
        self.total = total
        reservation = self._means.space.reserve(total)
        try:
            unfinished = self._means.store.begin(self.digest)
        except BaseException:
            reservation.release(stored=False)
            raise
        filling = Filling(self.digest, total, unfinished, reservation)
        filling.progress = self.progress
        self.filling = filling
        self._means.emit(FillStarted(str(self.digest), self.repository, self.hop, total))
        self.progress.advance()
        return filling

    async def _keep(self, filling: Filling) -> None:
        now_s = self._means.clock.steady()
        try:
            self.identity = await self._in_thread(lambda: self._means.store.keep(filling.unfinished, now_s))
        except (NoSpace, StorageBroken) as failure:
            # The readers have verified bytes in an open file; only the next pull will fetch again.
            self._means.emit(StorageTrouble("storing", str(failure)))
            filling.reservation.release(stored=False)
            self._tell_end("not-stored", str(failure))
            return
        filling.reservation.release(stored=True)
        self._tell_end("stored")

    # -- leaping ahead ----------------------------------------------------------------------------------------------

    def _reach(self, filling: Filling, position: int, end: int) -> None:
        """A reader waits for `position`: let it, if a leg is about to bring that byte; else fetch the stretch now."""
        legs = [leg for leg in (self._main, *self._segments) if leg is not None and leg.covers(position)]
        if self._main is None and not self._segments:
            return  # between two legs: the next one begins before anybody could leap
        if any(position - leg.position <= FAR_BYTES for leg in legs) or len(self._segments) >= SEGMENTS_LIMIT:
            return
        bounds = [leg.end or filling.total for leg in legs]
        bounds += [leg.start for leg in (self._main, *self._segments) if leg is not None and leg.start > position]
        segment_end = min([filling.gap_end(position), end, *bounds])
        if segment_end - position >= FAR_BYTES:
            # Fetch no byte twice. For less than that, a second transfer costs less than a third connection.
            for leg in legs:
                leg.end = position
        segment = Leg(position, segment_end, main=False)
        self._segments[segment] = self._loop.create_task(self._fly_segment(segment))

    async def _fly_segment(self, segment: Leg) -> None:
        """Once, with one upstream: what it does not bring, the main leg will."""
        hop = self._means.attempts.turns.order()[0]
        try:
            await self._fetch(segment, hop)
        except HopFailed as failure:
            self._means.attempts.failed(hop, failure)
        except (Failure, HopUnknown, HopDenied):
            pass
        except Exception:
            self._means.emit(Fault("segment", traceback.format_exc()))
        finally:
            self._segments.pop(segment, None)
            self.progress.advance()

    # -- leaving ----------------------------------------------------------------------------------------------------

    def _abandon_if_lonely(self) -> None:
        if self.readers or self.state is not State.FILLING or self._main is None or self.filling is None:
            return
        missing = self.filling.total - self.filling.present_bytes()
        if missing > max(LINGER_WHOLE_BYTES, self.filling.total // 2):
            self._main.abort()

    def _in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return self._loop.run_in_executor(self._means.threads, work)
