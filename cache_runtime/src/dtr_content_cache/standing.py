"""How this cache stands, for people: joins the parts to the status page; there only where a listener shows it.

Rule for editors: without `http.debug.addr` none of this exists; with it, nothing in here is on the way of a request.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from . import __version__
from .assembly import Parts
from .observation.day_book import DayBook
from .observation.lately import Lately
from .settings.model import Settings
from .web.status import Asked, Status

_LAST_ENTRY_S = 3.0


class Standing:
    """`start` and `stop` frame the keeping of the days' figures; `status` is what the page asks."""

    def __init__(self, parts: Parts) -> None:
        lately = Lately(parts.clock)
        parts.logs.lately = lately.hear
        store = parts.store
        # Its own, which it makes when somebody looks: hashing may keep the others busy for minutes.
        self._threads = ThreadPoolExecutor(2, "standing")
        remember = _nowhere if parts.settings.storage.read_only else store.remember_days
        self._days = DayBook(parts.metrics.served, store.recall_days, remember, parts.clock, self._threads)
        self.status = Status(
            Asked(
                release=__version__,
                mode=parts.settings.downstream.authorization,
                started_s=parts.clock.steady(),
                clock=parts.clock,
                questions=parts.health.questions,
                failures=parts.health.failures,
                ready=parts.health.ready,
                flights=lambda: chain.from_iterable(side.deliveries.flights for side in parts.sides),
                requests_in_flight=lambda: parts.site.in_flight,
                hops=lambda: [(side.attempts.turns, side.exchanges.head_s) for side in parts.sides],
                days=self._days.days,
                served=parts.metrics.served,
                store=store,
                space=parts.space,
                certificate_expires_s=lambda: parts.certificate.expires_s if parts.certificate else None,
                lately=lately,
                warnings=lambda: without_places(parts.settings),
                threads=self._threads,
            )
        )

    def start(self) -> None:
        self._keeping = asyncio.get_running_loop().create_task(self._days.run())

    async def stop(self) -> None:
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        try:
            async with asyncio.timeout(_LAST_ENTRY_S):
                await self._days.enter()
        except TimeoutError:
            pass  # the volume hangs: the last minutes' figures are lost
        self._threads.shutdown(wait=False, cancel_futures=True)


def without_places(settings: Settings) -> list[str]:
    """The configuration's warnings, without the file and line that each begins with."""
    return [warning.removeprefix(str(settings.source)).lstrip(":0123456789 ") for warning in settings.warnings]


def _nowhere(document: bytes) -> None:
    """On a read-only volume the days' figures last as long as the process."""
