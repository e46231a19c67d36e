"""The status document: gathered from parts that may be stuck, and still there at once."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from doubles.clock import HandMovedClock
from dtr_content_cache.observation.daily import Served
from dtr_content_cache.observation.lately import Lately
from dtr_content_cache.retention.choice import Limits
from dtr_content_cache.retention.space import SpaceKeeper
from dtr_content_cache.storage import Space, Store
from dtr_content_cache.values.failures import StorageBroken
from dtr_content_cache.web.status import Asked, Status, certificate, health


class StuckStore(Store):
    """A volume that answers when the test lets it, and counts who asks."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.asked = 0
        self.go = threading.Event()

    def space(self) -> Space:
        self.asked += 1
        self.go.wait(30)
        return super().space()


class BrokenStore(Store):
    def space(self) -> Space:
        raise StorageBroken("asking for free space: EIO")


def status_of(store: Store) -> Status:
    clock = HandMovedClock()
    space = SpaceKeeper(
        store, Limits(None, None, None, None), clock, lambda event: None, may_delete=True, may_write=True
    )
    return Status(
        Asked(
            release="1.2.3",
            mode="grant",
            started_s=clock.steady(),
            clock=clock,
            questions=dict,
            failures=dict,
            ready=dict,
            flights=tuple,
            requests_in_flight=dict,
            hops=tuple,
            days=dict,
            served=Served,
            store=store,
            space=space,
            certificate_expires_s=lambda: None,
            lately=Lately(clock),
            warnings=tuple,
            threads=ThreadPoolExecutor(4),
        )
    )


def test_a_volume_that_hangs_is_said_to_and_is_asked_once_however_many_look(tmp_path: Path) -> None:
    store = StuckStore(str(tmp_path))

    async def look_three_times() -> list[dict[str, Any]]:
        status = status_of(store)
        try:
            return [await status.told() for _ in range(3)]
        finally:
            store.go.set()

    told = asyncio.run(look_three_times())
    assert [one["space"]["answers"] for one in told] == [False] * 3
    assert store.asked == 1


def test_a_volume_that_fails_takes_nothing_else_from_the_page(tmp_path: Path) -> None:
    told = asyncio.run(status_of(BrokenStore(str(tmp_path))).told())
    assert told["space"]["answers"] is False
    assert told["release"] == "1.2.3"


@pytest.mark.parametrize(
    ("failures", "ready", "questions", "state"),
    [
        ({}, {}, {"volume": None}, "well"),
        ({}, {}, {"discovery": "nobody answered"}, "by-memory"),
        ({}, {"draining": "the cache is stopping"}, {"draining": "the cache is stopping"}, "not-ready"),
        ({"volume": "EIO"}, {"volume": "EIO"}, {"volume": "EIO"}, "sick"),
    ],
)
def test_the_worst_word_wins(
    failures: dict[str, str], ready: dict[str, str], questions: dict[str, str | None], state: str
) -> None:
    assert health(questions, failures, ready)["state"] == state


def test_a_certificate_that_is_over_has_negative_days() -> None:
    assert certificate(1000.0, 1000.0 + 86400) == {"expires_s": 1000.0, "days_left": -1}
    assert certificate(None, 0.0) is None
