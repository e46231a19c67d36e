"""What the desk does with what a flight leaves: trust it, park it, drop it; at the end of the program, too."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import pytest
from doubles.desk import with_desk
from doubles.flights import bring
from doubles.upstream import cut_after, hold_after, status
from doubles.volume import digest_of, put, read
from dtr_content_cache.delivery import deliveries
from dtr_content_cache.delivery.deliveries import Deliveries
from dtr_content_cache.delivery.flight import Abandoned, Flight
from dtr_content_cache.delivery.states import State
from dtr_content_cache.retention.choice import Limits
from dtr_content_cache.retention.sweeper import Sweeper
from dtr_content_cache.values.failures import NoSpace, StorageBroken, UpstreamUnavailable

BLOB = b"0123456789" * 20_000
_IDENTITY = (1, 2, 3, 4, 5)


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


def test_a_volume_that_hangs_at_the_end_of_the_program_is_not_waited_for(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "STORED_AT_END_WITHIN_S", 0.01)
    digest, hanging = hangar.upstream.add(BLOB), threading.Event()
    address = hangar.address(digest)
    real = hangar.store.keep
    monkeypatch.setattr(hangar.store, "keep", lambda *args: hanging.wait(10) and real(*args))

    async def work(desk: Deliveries) -> None:
        delivery = await desk.deliver(address, hangar.passage(digest))
        [flight] = desk.flights
        while not flight.verified:
            await flight.progress.changed()
        await desk.stop()
        assert desk.flights == ()
        delivery.close()
        hanging.set()

    with_desk(hangar, work)


def test_a_blob_that_is_whole_and_right_at_the_end_of_the_program_is_still_stored(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    address = hangar.address(digest)

    async def work(desk: Deliveries) -> None:
        delivery = await desk.deliver(address, hangar.passage(digest))
        [flight] = desk.flights
        while not flight.verified:
            await flight.progress.changed()
        delivery.close()
        await desk.stop()
        assert flight.state is State.STORED

    with_desk(hangar, work)
    assert hangar.store.identity(address.digest) is not None


def test_a_fill_that_broke_is_parked_and_gone_on_with_by_whoever_asks_next(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    hangar.upstream.faults, hangar.upstream.always = [cut_after(150_000)], status("500 Oops")
    address, passage = hangar.address(digest), hangar.passage(digest)

    async def work(desk: Deliveries) -> None:
        first = await desk.deliver(address, passage)
        [flight] = desk.flights
        await flight.landed()
        first.close()
        while desk.flights:
            await asyncio.sleep(0)
        assert (flight.state, len(desk.parked)) == (State.FAILED, 1)
        hangar.upstream.always = None
        second = await desk.deliver(address, passage)
        assert (second.total, len(desk.parked)) == (len(BLOB), 0)
        await desk.flights[0].landed()
        second.close()

    with_desk(hangar, work)
    assert hangar.upstream.blob_requests()[-1].headers["range"] == "bytes=150000-"


def test_a_fill_that_broke_before_its_first_byte_is_not_parked(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    hangar.upstream.faults, hangar.upstream.always = [cut_after(0)], status("500 Oops")
    address, passage = hangar.address(digest), hangar.passage(digest)

    async def work(desk: Deliveries) -> None:
        try:
            (await desk.deliver(address, passage)).close()
        except UpstreamUnavailable:
            pass
        while desk.flights:
            await asyncio.sleep(0.001)
        assert len(desk.parked) == 0

    with_desk(hangar, work)
    assert os.listdir(hangar.store.layout.unfinished) == []


@pytest.mark.parametrize(
    ("failure", "present", "is_worth_it"),
    [
        (UpstreamUnavailable("away"), 1, True),
        (UpstreamUnavailable("away"), 0, False),
        (Abandoned("nobody reads"), 0, True),
        (NoSpace("full"), 1, False),
        (StorageBroken("EIO"), 1, False),
    ],
)
def test_a_broken_fill_is_parked_where_it_has_something_and_the_volume_is_well(
    hangar: Any, failure: Exception, present: int, is_worth_it: bool
) -> None:
    digest = hangar.upstream.add(BLOB)

    async def work(desk: Deliveries) -> None:
        filling = hangar.filling(digest, len(BLOB))
        bring(filling, BLOB[:present])
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), filling)
        flight.failure = failure  # type: ignore[assignment]
        assert desk._worth_parking(flight, filling) is is_worth_it

    with_desk(hangar, work)


@pytest.mark.parametrize("has_file", [True, False])
@pytest.mark.parametrize("is_trusted", [True, False])
@pytest.mark.parametrize(("state", "identity"), [(State.STORED, _IDENTITY), (State.STORED, None), (State.FAILED, None)])
def test_what_a_flight_leaves_is_trusted_or_parked_or_dropped(
    hangar: Any, state: State, identity: Any, is_trusted: bool, has_file: bool
) -> None:
    digest = hangar.upstream.add(BLOB)
    address = hangar.address(digest)

    async def work(desk: Deliveries) -> None:
        filling = hangar.filling(digest, len(BLOB)) if has_file else None
        if filling is not None:
            bring(filling, BLOB[:10])
        flight = Flight(hangar.means, address, hangar.passage(digest), filling)
        flight.state, flight.identity = state, identity
        desk._land(flight, is_trusted=is_trusted)

        assert desk.verdicts.trusts(address.digest, _IDENTITY) is (identity is not None and is_trusted)
        assert not desk.verdicts.trusts(address.digest, None)  # type: ignore[arg-type]
        is_broken = has_file and state is State.FAILED
        assert len(desk.parked) == (is_broken and is_trusted)
        dropped = is_broken and not is_trusted
        assert len(os.listdir(hangar.store.layout.unfinished)) == (has_file and not dropped)
        assert (flight._landed, flight.filling) == (True, None)

    with_desk(hangar, work)


def test_the_end_of_the_program_gives_back_what_is_parked(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)

    async def work(desk: Deliveries) -> None:
        desk.parked.keep(hangar.filling(digest, len(BLOB)))
        await desk.stop()
        assert len(desk.parked) == 0

    with_desk(hangar, work)
    assert (hangar.space._pledged, os.listdir(hangar.store.layout.unfinished)) == (0, [])


def test_whoever_needs_room_gets_that_of_what_any_registry_has_parked_before_a_blob_goes(hangar: Any) -> None:
    size = len(BLOB)
    kept = put(hangar.store, BLOB[2:], hangar.means.clock.steady() - 100)
    digests = [hangar.upstream.add(BLOB[:-number] + bytes(number)) for number in (1, 2, 3)]
    hangar.space.limits = Limits(None, 4 * size, None, None)

    async def work(desk: Deliveries) -> None:
        other = Deliveries(hangar.means, desk.verdicts, asyncio.Semaphore(1))
        sweeper = Sweeper(
            *(hangar.store, hangar.space, hangar.means.clock, hangar.events.append),
            leftover_age_s=3600,
            executor=hangar.threads,
        )
        sweeper.sweep()
        for number, parking in enumerate((desk.parked, other.parked, other.parked)):
            parking.keep(hangar.filling(digests[number], size))

        hangar.filling(str(digest_of(b"any")), size).release()
        assert (len(desk.parked), len(other.parked)) == (0, 2), "no more than that takes"
        hangar.filling(str(digest_of(b"another")), 2 * size).release()
        assert (len(desk.parked), len(other.parked)) == (0, 0)
        assert read(hangar.store, kept) is not None
        hangar.filling(str(digest_of(b"one more")), size).release()
        assert read(hangar.store, kept) is None

    with_desk(hangar, work)
