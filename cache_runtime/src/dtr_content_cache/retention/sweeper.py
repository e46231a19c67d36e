"""Walks the volume in the background: counts, expires by age, keeps the list of who goes next.

The volume itself is the only index. So a start serves at once however many blobs there are, nothing can disagree with
the disk, and several caches may share one volume.
"""

from __future__ import annotations

import asyncio
import heapq
import time
import traceback
from concurrent.futures import Executor
from dataclasses import replace

from ..storage import Store, StoredBlob
from ..values.clock import Clock
from ..values.events import Emit, Fault, StorageTrouble, SweepDone
from ..values.failures import Failure
from ..values.gentle import Gentle
from .choice import expired, idle_s
from .space import SpaceKeeper
from .tally import Walk

CANDIDATES = 20_000
SWEEP_AT_MOST_EVERY_S = 1.0
SWEEP_AT_LEAST_EVERY_S = 900.0
FUTURE_S = 3600.0  # a last pull this far ahead was noted by a clock that was wrong; less may be another host's
_REST_EVERY_BLOBS = 100


def sweep_interval_s(ttl_s: float | None) -> float:
    """A twentieth of the TTL, within bounds: a blob outlives its TTL by at most that, plus the length of a walk."""
    if ttl_s is None:
        return SWEEP_AT_LEAST_EVERY_S
    return min(SWEEP_AT_LEAST_EVERY_S, max(SWEEP_AT_MOST_EVERY_S, ttl_s / 20))


class Sweeper:
    def __init__(
        self, store: Store, space: SpaceKeeper, clock: Clock, emit: Emit, *, leftover_age_s: float, executor: Executor
    ) -> None:
        self._store = store
        self._space = space
        self._clock = clock
        self._emit = emit
        self._leftover_age_s = leftover_age_s
        self._executor = executor
        self._stopping = False
        self._hurry = asyncio.Event()
        space.walk_again = self._walk_at_once

    async def run(self) -> None:
        """Until cancelled. A volume in trouble is reported and looked at again next time."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    await loop.run_in_executor(self._executor, self.sweep)
                except Exception:
                    # A bug of ours must not end the sweeping: the volume would fill up for ever.
                    self._emit(Fault("sweeper", traceback.format_exc()))
                await self._pause(sweep_interval_s(self._space.limits.ttl_s))
        finally:
            self._stopping = True

    def hurry(self) -> None:
        """Sweep now: the limits are others than a moment ago. On the loop."""
        self._hurry.set()

    async def _pause(self, seconds: float) -> None:
        try:
            # Not wait_for: where it ends at the moment of a cancellation, it loses the cancellation (Python 3.11).
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            pass
        self._hurry.clear()

    def sweep(self) -> None:
        started = time.monotonic()
        try:
            if self._space.may_write:
                self._store.sweep_leftovers(self._clock.wall(), self._leftover_age_s)
            oldest, blobs, used = self._walk(gently=True)
            if self._stopping:
                return
            if self._space.may_delete and self._space.may_write:
                if self._space.limits.ttl_s is not None:
                    for blob in expired(oldest, self._clock.steady(), self._space.limits.ttl_s, blobs):
                        self._space.evict(blob, "ttl")
                self._space.trim()
            free = self._store.space().free_bytes
        except Failure as failure:
            self._emit(StorageTrouble("sweeping", str(failure)))
            return
        oldest_idle = idle_s(oldest[0], self._clock.steady()) if oldest else 0.0
        self._emit(SweepDone(blobs, used, free, oldest_idle, time.monotonic() - started))

    def _walk_at_once(self) -> None:
        try:
            self._walk(gently=False)
        except Failure as failure:
            self._emit(StorageTrouble("sweeping", str(failure)))

    def _walk(self, *, gently: bool) -> tuple[list[StoredBlob], int, int]:
        """(least recently pulled first, number of blobs, their bytes)."""
        walk = self._space.begin_walk()
        try:
            candidates, blobs, used = self._look_at_all(walk, gently)
        except BaseException:
            self._space.drop_walk(walk)
            raise
        self._space.end_walk(walk, used, list(candidates))
        return candidates, blobs, used

    def _look_at_all(self, walk: Walk, gently: bool) -> tuple[list[StoredBlob], int, int]:
        oldest: list[tuple[float, str, StoredBlob]] = []
        blobs = used = 0
        thread = Gentle()
        for blob in map(self._with_its_time_right, self._store.walk()):
            blobs, used = blobs + 1, used + blob.size
            walk.saw(blob.digest.hex)
            entry = (-blob.pulled_s, blob.digest.hex, blob)
            if len(oldest) < CANDIDATES:
                heapq.heappush(oldest, entry)
            else:
                heapq.heappushpop(oldest, entry)
            if gently and blobs % _REST_EVERY_BLOBS == 0:
                if self._stopping:
                    break
                thread.rest()
        candidates = [blob for _, _, blob in sorted(oldest, key=lambda entry: -entry[0])]
        return candidates, blobs, used

    def _with_its_time_right(self, blob: StoredBlob) -> StoredBlob:
        """A last pull in the far future would keep the blob until then: its time begins anew, now."""
        now_s = self._clock.steady()
        if blob.pulled_s <= now_s + FUTURE_S:
            return blob
        self._store.date_anew(blob.digest, now_s)
        return replace(blob, pulled_s=now_s)
