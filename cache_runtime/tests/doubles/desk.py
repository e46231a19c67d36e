"""The desk on a hangar, for as long as a piece of work lasts, and its verdicts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from dtr_content_cache.delivery.deliveries import Deliveries
from dtr_content_cache.delivery.verification import Verdicts


def verdicts_of(hangar: Any) -> Verdicts:
    return Verdicts(hangar.store, hangar.threads, hangar.events.append, lambda digest, size: None)


def with_desk(hangar: Any, work: Callable[[Deliveries], Coroutine[Any, Any, None]]) -> None:
    """`work` on a loop of its own, then the end of every flight."""

    async def run() -> None:
        desk = Deliveries(hangar.means, verdicts_of(hangar), asyncio.Semaphore(4))
        try:
            await work(desk)
        finally:
            hangar.upstream.release.set()
            await desk.stop()

    hangar.run(run)
