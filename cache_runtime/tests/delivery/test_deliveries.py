"""The desk: where an answer's bytes come from, and what it forgets when a file does not give them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from doubles.upstream import hold_after
from dtr_content_cache.delivery.deliveries import Deliveries
from dtr_content_cache.delivery.delivery import StoredDelivery
from dtr_content_cache.delivery.states import State
from dtr_content_cache.delivery.verification import Verdicts
from dtr_content_cache.values.failures import StorageBroken

BLOB = b"0123456789" * 20_000


def with_desk(hangar: Any, work: Callable[[Deliveries], Coroutine[Any, Any, None]]) -> None:
    """`work` on a loop of its own, then the end of every flight."""

    async def run() -> None:
        verdicts = Verdicts(hangar.store, hangar.threads, hangar.events.append, lambda digest, size: None)
        desk = Deliveries(hangar.means, verdicts, asyncio.Semaphore(4))
        try:
            await work(desk)
        finally:
            hangar.upstream.release.set()
            await desk.stop()

    hangar.run(run)


def test_a_flight_whose_file_cannot_be_read_is_joined_by_nobody_and_its_file_judged_anew(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    hangar.upstream.faults = [hold_after(70_000)]
    address, passage = hangar.address(digest), hangar.passage(digest)

    async def work(desk: Deliveries) -> None:
        first = await desk.deliver(address, passage)
        [flight] = desk.flights
        desk.distrust(address)
        second = await desk.deliver(address, passage)

        assert second.cache == "miss"
        assert desk.flights != (flight,)
        hangar.upstream.release.set()
        await flight.landed()
        for delivery in (first, second):
            delivery.close()
        while desk.flights:
            await desk.flights[0].landed()
            await asyncio.sleep(0)
        assert flight.state is State.STORED

    with_desk(hangar, work)
    assert len(hangar.upstream.blob_requests()) == 2


def test_what_a_distrusted_flight_has_stored_is_not_sent_unseen(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    hangar.upstream.faults = [hold_after(70_000)]
    address = hangar.address(digest)

    async def work(desk: Deliveries) -> None:
        delivery = await desk.deliver(address, hangar.passage(digest))
        [flight] = desk.flights
        desk.distrust(address)
        hangar.upstream.release.set()
        await flight.landed()
        await asyncio.sleep(0.01)  # its task ends

        assert desk.stored(address) is None
        delivery.close()

    with_desk(hangar, work)


def test_a_volume_that_cannot_be_opened_is_told_and_the_blob_fetched(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hangar.upstream.add(BLOB)
    address = hangar.address(digest)

    def fails(digest: object) -> None:
        raise StorageBroken("opening: EIO")

    async def work(desk: Deliveries) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(hangar.store, "open", fails)
            assert desk.stored(address) is None
        delivery = await desk.deliver(address, hangar.passage(digest))
        assert delivery.total == len(BLOB)
        delivery.close()

    with_desk(hangar, work)
    assert [event.reason for event in hangar.events if type(event).__name__ == "StorageTrouble"] == ["opening: EIO"]


def test_a_stored_blob_is_a_hit_without_an_upstream(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    address, passage = hangar.address(digest), hangar.passage(digest)

    async def work(desk: Deliveries) -> None:
        (await desk.deliver(address, passage)).close()
        while desk.flights:
            await desk.flights[0].landed()
            await asyncio.sleep(0)
        hit = await desk.deliver(address, passage)

        assert isinstance(hit, StoredDelivery)
        assert await desk.length(address, passage) == (len(BLOB), "hit")
        hit.close()

    with_desk(hangar, work)
    assert len(hangar.upstream.blob_requests()) == 1
