"""The flight of one blob: from "not here" to "stored", for any number of readers.

Theory of operation
-------------------
A flight owns one file (Filling) and gets it filled by *legs*, each a stretch of the blob fetched by one thread from one
upstream. The *main* leg goes from the first missing byte towards the end. A reader far ahead of it makes the flight
start a *segment*, a leg for the stretch that the reader wants; the main leg is shortened to end where the segment
begins, so each byte is fetched once, while anybody's passage is good for another question (leg.py). When a leg breaks,
what it wrote stays; the next leg begins at the first byte that is missing and that no segment is about to bring, with
whichever upstream has its turn. So resuming, failing over and leaping ahead (leaps.py) are the same step: `_next_leg`.

Readers never talk to upstreams. They ask `available(position, …)` (followed.py), which waits until the file has that
byte, and send from the file. The last HOLD_BACK_BYTES of a response that ends with the blob's last byte wait for the
verdict. A piece that a client picked out, interior or by a last byte of its own, cannot be judged by anybody before the
whole blob is here; it is passed on as it arrives, because lazy pullers live on it, and those clients hash the whole
themselves.

The verdict: no byte missing, and the SHA-256 of all of them is the digest. A bad one rests the upstreams that had a
part in it and starts the file over (`generation` counts). So does a file that nobody goes on with while somebody says
another length than it was begun with: who is right will show. It never shows of a length for which there is no room,
so that one counts only where no other upstream says a shorter one (length.py). Each start is led by another upstream,
so that one honest upstream among liars has its turn without them. A reader that has sent nothing yet does not notice,
any other is cut.

State moves only by the table in states.py, only on the loop; threads touch the file and `Leg.position`. A thread may
outlive its flight: it holds the file it writes to, and its leg is aborted.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from typing import TypeVar

from ..settings.model import Upstream
from ..storage import Identity, same_bytes
from ..upstream.response_head import HopFailed
from ..values.blob_address import BlobAddress
from ..values.events import Fault, FillEnded, FillResumed, FillStarted, StorageTrouble
from ..values.failures import Failure, NoSpace, StorageBroken, UpstreamDenied, UpstreamUnavailable, WrongBytes
from .filling import Filling
from .followed import Followed
from .leaps import Leaps, asked_to_the_end
from .leg import Leg
from .length import is_told_shorter
from .limits import ASKED_WITHIN_S, LEAST_GAIN_BYTES, LINGER_S, LINGER_WHOLE_BYTES
from .means import Means, Passage
from .states import TRANSITIONS, State

T = TypeVar("T")
_EMPTY_HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Abandoned(Failure):
    """Nobody reads any more, and too much is missing to go on for nobody."""


class LengthDisputed(Failure):
    """Another length than the first one is told, and nobody goes on with its file, or it has none."""


class Flight(Followed):
    """`parked` is what an earlier flight left."""

    def __init__(self, means: Means, address: BlobAddress, passage: Passage, parked: Filling | None) -> None:
        super().__init__(address.digest, passage, parked)
        self._means = means
        self.repository = address.repository
        self._loop = asyncio.get_running_loop()
        self._main: Leg | None = None
        self._leaps = Leaps(means, self._fetch, self.progress.advance)
        self._broke = ""
        self._led_wrong: set[Upstream] = set()  # upstreams that led a start which came to nothing
        self._disputed = False
        self._told = 0  # the length for which a file was to be begun last
        self._lonely_look: asyncio.TimerHandle | None = None
        self.identity: Identity | None = None  # of the stored file, if its bytes are those that were judged

    # -- the life of the flight --------------------------------------------------------------------------------------

    async def run(self, slots: asyncio.Semaphore) -> None:
        """To the end of the flight. Never raises: what went wrong is in `failure`, for the readers."""
        try:
            async with slots:
                self._move(State.FILLING)
                if self.readers == 0:
                    self._linger()
                filling = await self._fill_until_right()
                self.judged = filling.unfinished.identity()
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
            self._abort_legs()

    def _move(self, state: State) -> None:
        if state not in TRANSITIONS[self.state]:
            raise AssertionError(f"a flight cannot go from {self.state} to {state}")
        self.state = state
        self.progress.advance()

    def _fail(self, failure: Failure) -> None:
        self.failure = failure
        outcome = "not-stored" if isinstance(failure, NoSpace | StorageBroken) else "failed"
        if isinstance(failure, WrongBytes):
            outcome, self.failure = "wrong-bytes", UpstreamUnavailable("every upstream delivers wrong bytes")
        if self.state is not State.VERIFIED:
            self._move(State.FAILED)
        self._tell_end(outcome, str(failure))

    def _tell_end(self, outcome: str, reason: str = "") -> None:
        fetched = self.filling.fetched_bytes if self.filling else 0
        self._means.emit(FillEnded(str(self.digest), outcome, fetched, time.monotonic() - self.began_s, reason))

    async def _fill_until_right(self) -> Filling:
        while True:
            try:
                await self._fill()
                filling = self.filling
                if filling is not None and await self._is_right(filling):
                    return filling
                self._rest_sources()
            except LengthDisputed:
                pass
            self._start_over()

    async def _is_right(self, filling: Filling) -> bool:
        verdict = filling.verdict_at_hand()
        return verdict if verdict is not None else await self._in_thread(filling.verdict)

    def _rest_sources(self) -> None:
        for hop in self.filling.sources if self.filling is not None else ():
            self._means.attempts.failed(hop, HopFailed(f"the bytes it sent do not hash to {self.digest}"))

    def _start_over(self) -> None:
        """The bytes are wrong, or of a wrong length. Again, led by an upstream that has not led a start in vain yet."""
        self._abort_legs()
        if self.filling is not None:
            self._led_wrong.add((*self.filling.sources, self.filling.told_by)[0])
            self.filling.drop()
            self.filling.release()
        self.filling, self.total = None, None
        self.generation += 1
        self.progress.advance()
        if self.generation > len(self._means.attempts.turns):
            raise WrongBytes("no upstream delivers bytes that hash to the digest")

    def _abort_legs(self) -> None:
        """Whatever a thread still brings is brought to nobody."""
        if self._main is not None:
            self._main.abort()
        self._main = None
        self._leaps.abort()

    async def _fill(self) -> None:
        while True:
            leg = self._next_leg()
            if leg is not None:
                self._main = leg
                await self._fill_by(leg)
                self._main = None
            elif self._leaps.segments:
                await self.progress.changed()
            else:
                return

    async def _fill_by(self, leg: Leg) -> None:
        passage, self._disputed = self._passage, False
        try:
            await self._means.attempts.until_answered(
                lambda hop: self._fetch_or_dispute(leg, hop),
                lambda: (leg.position - leg.start) // LEAST_GAIN_BYTES,
                self._led_wrong,
            )
        except UpstreamUnavailable as failure:
            if self._disputed:
                raise LengthDisputed("no upstream goes on with the length told before") from failure
            raise
        except UpstreamDenied:
            if self._passage is passage:
                raise
            # Meanwhile somebody has come with a grant that lasts longer.

    async def _fetch_or_dispute(self, leg: Leg, hop: Upstream) -> None:
        try:
            await self._fetch(leg, hop, lambda total: self._begin(total, hop))
        except (NoSpace, StorageBroken):
            if self.filling is not None:
                raise
            # Once it is believed clients are told it, who cannot take it back, and upstreams that say otherwise rest.
            if not await is_told_shorter(self._means, self._passage, self._told, {hop, *self._led_wrong}):
                self.total = self._told
                raise
            self._led_wrong.add(hop)
            raise LengthDisputed("a length without a file, and a shorter one is told") from None

    def _next_leg(self) -> Leg | None:
        """The first stretch that is missing and that no segment is about to bring."""
        if self.filling is None:
            return Leg(0, None, main=True)
        gap = self._leaps.first_gap(self.filling)
        return None if gap is None else Leg(*gap, main=True)

    async def _fetch(self, leg: Leg, hop: Upstream, begin: Callable[[int], Filling]) -> None:
        start = leg.position
        if self._broke:
            self._means.emit(FillResumed(str(self.digest), hop.url, start, self._broke))
            self._broke = ""
        self.hop = hop.url
        passage, means = (self._passage.target, self._passage.headers), self._means
        how = means.throttle, begin, asked_to_the_end(leg, self.filling), lambda: means.may_ask(self._passage)
        try:
            await self._in_thread(lambda: leg.fetch(means.exchanges, hop, passage, *how))
        except HopFailed as failure:
            if leg.aborted:
                if self.readers:
                    return  # somebody has come back: the next leg goes on
                raise Abandoned("no reader left") from failure
            if leg.position > start:
                self._broke = str(failure)
            raise

    def _begin(self, total: int, hop: Upstream) -> Filling:
        """In the main leg's thread: the file to write to; made when the first answer tells the length."""
        if total == 0 and self.digest.hex != _EMPTY_HEX:
            raise HopFailed("it says the blob is empty, which its digest denies")
        if self.filling is not None:
            if total != self.filling.total:
                self._disputed = True
                raise HopFailed(f"it says the blob has {total} bytes, another said {self.filling.total}")
            return self.filling
        self._told = total
        self.filling = Filling.begin(self._means.store, self._means.space, self.digest, total, hop)
        self.total = total
        self.filling.progress = self.progress
        self._means.emit(FillStarted(str(self.digest), self.repository, hop.url, total))
        return self.filling

    async def _keep(self, filling: Filling) -> None:
        store, clock = self._means.store, self._means.clock
        try:
            kept = await self._in_thread(lambda: store.keep(filling.unfinished, clock))
            self.identity = kept if kept and self.judged and same_bytes(kept, self.judged) else None
        except (NoSpace, StorageBroken) as failure:
            # The readers have verified bytes in an open file; only the next pull will fetch again.
            self._means.emit(StorageTrouble("storing", str(failure)))
            filling.reservation.release(stored=False)
            self._tell_end("not-stored", str(failure))
            return
        filling.reservation.release(stored=True)
        self._tell_end("stored")

    def let_ask(self) -> None:
        """Wait, on the loop, until the first question has left, ASKED_WITHIN_S at most. Otherwise its thread would get
        the interpreter's lock when the loop has read the heads of all who came for the blob, milliseconds later."""
        if self._main is not None:
            self._main.asked.wait(ASKED_WITHIN_S)

    # -- readers ------------------------------------------------------------------------------------------------------

    def _reach(self, filling: Filling, position: int, end: int) -> None:
        self._leaps.reach(filling, position, end, self._main, self._led_wrong)

    def _linger(self) -> None:
        if self._lonely_look is not None:
            self._lonely_look.cancel()  # it counted from when somebody had left before
        self._lonely_look = self._loop.call_later(LINGER_S, self._abandon_if_lonely)

    def _abandon_if_lonely(self) -> None:
        if self.readers or self.state is not State.FILLING:
            return
        if self._main is None or self.filling is None:
            self._linger()  # between two legs: look again
            return
        missing = self.filling.total - self.filling.present_bytes()
        if missing > max(LINGER_WHOLE_BYTES, self.filling.total // 2):
            self._main.abort()

    def _in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return self._loop.run_in_executor(self._means.threads, work)
