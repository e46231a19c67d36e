"""Keeps the days' figures over restarts: adds what was served since the last entry to a small file on the volume.

Caches that share a volume add to the same file, so it tells of the volume, not of one of them; of two that write in
the same moment one entry is lost, which figures for people can bear. Rule for editors: requests never come by here; it
looks at the counters every few minutes. A volume in trouble costs figures, never a failure. Event loop only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from ..values.clock import Clock
from ..values.failures import Failure
from .daily import Served, added, day_of, read, written

ENTRY_EVERY_S = 300.0
_DAY_S = 86400.0


class DayBook:
    """`so_far` counts since the start of this process; `recall` and `remember` touch the volume, and may raise
    Failure."""

    def __init__(
        self,
        so_far: Callable[[], Served],
        recall: Callable[[], bytes | None],
        remember: Callable[[bytes], None],
        clock: Clock,
        threads: Executor,
    ) -> None:
        self._so_far, self._recall, self._remember = so_far, recall, remember
        self._clock, self._threads = clock, threads
        self._kept: dict[str, Served] = {}
        self._pending: dict[str, Served] = {}  # counted, not yet in the file
        self._entering: dict[str, Served] = {}  # on its way there
        self._counted = Served()
        self._today = day_of(clock.wall())

    def days(self) -> dict[str, Served]:
        """The last days up to this moment, in order."""
        self._count()
        return added(added(self._kept, self._entering), self._pending)

    async def begin(self) -> None:
        """Read what was kept."""
        loop = asyncio.get_running_loop()
        self._kept = read(await loop.run_in_executor(self._threads, self._recall))

    async def run(self) -> None:
        """Enter what there is, now and then, until cancelled."""
        await self.begin()
        while True:
            await asyncio.sleep(wait_s(self._clock.wall()))
            await self.enter()

    async def enter(self) -> None:
        """Add what is not in the file yet to it. What cannot be written stays for the next time."""
        self._count()
        if not self._pending:
            return
        self._entering, self._pending = self._pending, {}
        try:
            loop = asyncio.get_running_loop()
            self._kept = await loop.run_in_executor(self._threads, self._write, self._entering)
        except Failure:
            self._pending = added(self._entering, self._pending)
        self._entering = {}

    def _write(self, entry: dict[str, Served]) -> dict[str, Served]:
        days = added(read(self._recall()), entry)
        self._remember(written(days))
        return days

    def _count(self) -> None:
        """What came since the last look belongs to the day of that look."""
        so_far = self._so_far()
        since, self._counted = so_far - self._counted, so_far
        if since != Served():
            self._pending = added(self._pending, {self._today: since})
        self._today = day_of(self._clock.wall())


def wait_s(wall_s: float) -> float:
    """Until the next entry: at the turn of a day a new one begins."""
    return min(ENTRY_EVERY_S, _DAY_S - wall_s % _DAY_S + 0.01)
