"""The desk: where an answer's bytes come from, and what it forgets when a file does not give them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from doubles.desk import with_desk
from doubles.upstream import hold_after, status
from doubles.volume import put
from dtr_content_cache.delivery import deliveries
from dtr_content_cache.delivery.deliveries import Deliveries
from dtr_content_cache.delivery.delivery import StoredDelivery
from dtr_content_cache.delivery.flight import Flight
from dtr_content_cache.delivery.means import Passage
from dtr_content_cache.delivery.states import State
from dtr_content_cache.delivery.verification import Verification
from dtr_content_cache.values.events import CircleFound, StorageTrouble
from dtr_content_cache.values.failures import BlobUnknown, CircleRefused, NoSpace, StorageBroken

BLOB = b"0123456789" * 20_000


class _Descriptors:
    """Those that the volume's files have open."""

    def __init__(self, hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open: list[int] = []
        files = hangar.store.files
        opened, closed = files.open, files.close
        monkeypatch.setattr(files, "open", lambda *args: self.open.append(opened(*args)) or self.open[-1])
        monkeypatch.setattr(files, "close", lambda fd: self.open.remove(fd) or closed(fd))


@pytest.mark.parametrize("failure", [StorageBroken("opening: EIO"), NoSpace("opening: EDQUOT")])
def test_a_volume_that_cannot_be_opened_is_told_and_the_blob_fetched(
    hangar: Any, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    digest = hangar.upstream.add(BLOB)
    address = hangar.address(digest)

    def fails(digest: object) -> None:
        raise failure

    async def work(desk: Deliveries) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(hangar.store, "open", fails)
            assert desk.stored(address) is None
        delivery = await desk.deliver(address, hangar.passage(digest))
        assert delivery.total == len(BLOB)
        delivery.close()

    with_desk(hangar, work)
    troubles = [(event.operation, event.reason) for event in hangar.events if isinstance(event, StorageTrouble)]
    assert troubles == [("opening", str(failure))]


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


def test_a_client_that_leaves_while_its_blob_is_hashed_leaves_no_descriptor(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, release = put(hangar.store, BLOB, 1.0), threading.Event()
    address, passage = hangar.address(str(digest)), hangar.passage(str(digest))
    real, close, closed = Verification.hash_all, hangar.store.files.close, []
    monkeypatch.setattr(Verification, "hash_all", lambda check: release.wait(10) and real(check))
    monkeypatch.setattr(hangar.store.files, "close", lambda fd: closed.append(fd) or close(fd))

    async def work(desk: Deliveries) -> None:
        waiting = asyncio.create_task(desk.deliver(address, passage))
        while not desk.verdicts._running:
            await asyncio.sleep(0)
        [check] = desk.verdicts._running.values()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert (waiting.cancelled(), closed) == (True, [])
        release.set()
        while desk.verdicts._tasks:
            await asyncio.sleep(0)
        assert closed == [check.blob.fd]

    with_desk(hangar, work)


@pytest.mark.parametrize("verified", [False, True])
def test_whoever_joins_a_flight_is_told_whether_its_bytes_are_judged(hangar: Any, verified: bool) -> None:
    digest = hangar.upstream.add(BLOB)
    hangar.upstream.faults = [hold_after(70_000)]
    address, passage = hangar.address(digest), hangar.passage(digest)

    async def work(desk: Deliveries) -> None:
        first = await desk.deliver(address, passage)
        [flight] = desk.flights
        if verified:
            flight.state = State.VERIFIED
        second = await desk.deliver(address, passage)

        assert (first.cache, second.cache) == ("miss", "hit" if verified else "collapsed")
        assert await desk.length(address, passage) == (len(BLOB), "hit" if verified else "miss")
        flight.state = State.FILLING
        for delivery in (first, second):
            delivery.close()

    with_desk(hangar, work)
    assert len(hangar.upstream.blob_requests()) == 1


def test_a_head_of_what_is_not_here_is_answered_by_the_upstreams_head_and_fills_nothing(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    address, passage = hangar.address(digest), hangar.passage(digest)

    async def work(desk: Deliveries) -> None:
        assert await desk.length(address, passage) == (len(BLOB), "miss")
        assert desk.flights == ()

    with_desk(hangar, work)
    assert [asked.method for asked in hangar.upstream.asked] == ["HEAD"]


def test_a_request_that_came_in_a_circle_gets_what_is_here_and_asks_nobody(hangar: Any) -> None:
    here, away = put(hangar.store, BLOB, 1.0), hangar.upstream.add(BLOB[1:])
    circle = Passage("/v2/org/app/blobs/x", 0.0, circle="one, two")

    async def work(desk: Deliveries) -> None:
        (await desk.deliver(hangar.address(str(here)), circle)).close()
        assert await desk.length(hangar.address(str(here)), circle) == (len(BLOB), "hit")
        for ask in (desk.deliver, desk.length):
            with pytest.raises(CircleRefused):
                await ask(hangar.address(away), circle)

    with_desk(hangar, work)
    assert hangar.upstream.asked == []
    assert [event.chain for event in hangar.events if isinstance(event, CircleFound)] == ["one, two"] * 2


def test_the_short_way_is_for_what_is_stored_and_trusted_and_not_on_its_way(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    hangar.upstream.faults = [hold_after(70_000)]
    address, passage = hangar.address(digest), hangar.passage(digest)

    async def work(desk: Deliveries) -> None:
        first = await desk.deliver(address, passage)
        assert desk.stored(address) is None
        hangar.upstream.release.set()
        await desk.flights[0].landed()
        while desk.flights:
            await asyncio.sleep(0)
        hit = desk.stored(address)
        assert isinstance(hit, StoredDelivery)
        for delivery in (first, hit):
            delivery.close()

    with_desk(hangar, work)


def test_a_client_whose_blob_nobody_knows_leaves_its_flight(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    hangar.upstream.always = status("404 Not Found")

    async def work(desk: Deliveries) -> None:
        asked = asyncio.create_task(desk.deliver(hangar.address(digest), hangar.passage(digest)))
        while not desk.flights:
            await asyncio.sleep(0)
        [flight] = desk.flights
        with pytest.raises(BlobUnknown):
            await asked
        assert flight.readers == 0

    with_desk(hangar, work)


def test_a_rotten_blob_is_fetched_anew_by_the_pull_that_meets_it(hangar: Any) -> None:
    digest = put(hangar.store, BLOB, 1.0)
    hangar.upstream.add(BLOB)
    with open(hangar.store.layout.data(digest), "r+b") as file:
        file.write(bytes([BLOB[0] ^ 1]))

    async def work(desk: Deliveries) -> None:
        delivery = await desk.deliver(hangar.address(str(digest)), hangar.passage(str(digest)))
        assert (delivery.cache, delivery.total) == ("miss", len(BLOB))
        delivery.close()

    with_desk(hangar, work)


def test_whoever_only_looks_at_a_blob_leaves_no_descriptor(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = put(hangar.store, BLOB, 1.0)
    address, descriptors = hangar.address(str(digest)), _Descriptors(hangar, monkeypatch)

    async def work(desk: Deliveries) -> None:
        assert desk.stored(address) is None, "nobody has hashed it"
        assert descriptors.open == []
        assert await desk.length(address, hangar.passage(str(digest))) == (len(BLOB), "hit")
        while desk.verdicts._tasks:
            await asyncio.sleep(0)
        assert descriptors.open == []
        desk.distrust(address)
        assert desk.stored(address) is None
        assert descriptors.open == []

    with_desk(hangar, work)


def test_a_rotten_file_is_closed_before_its_blob_is_fetched(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = put(hangar.store, BLOB[:1000], 1.0)
    with open(hangar.store.layout.data(digest), "r+b") as file:
        file.write(bytes([BLOB[0] ^ 1]))
    descriptors = _Descriptors(hangar, monkeypatch)

    async def work(desk: Deliveries) -> None:
        assert await desk._on_volume(hangar.address(str(digest))) is None
        assert descriptors.open == []

    with_desk(hangar, work)


def test_a_head_while_nobody_has_told_the_length_yet_asks_for_it(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    address, passage = hangar.address(digest), hangar.passage(digest)

    async def work(desk: Deliveries) -> None:
        flight = desk._prepare(address, passage)
        assert (desk.flights, flight.total) == ((flight,), None)
        assert await desk.length(address, passage) == (len(BLOB), "miss")
        desk.distrust(address)

    with_desk(hangar, work)


def test_a_new_flight_asks_before_its_clients_loop_goes_on(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, asked = hangar.upstream.add(BLOB), []
    monkeypatch.setattr(Flight, "let_ask", lambda flight: asked.append(flight.state))

    async def work(desk: Deliveries) -> None:
        (await desk.deliver(hangar.address(digest), hangar.passage(digest))).close()
        [task] = desk._tasks
        await task
        await asyncio.sleep(0)
        assert desk._tasks == set()

    with_desk(hangar, work)
    assert asked == [State.FILLING]


def test_the_end_of_the_program_waits_for_what_is_verified_and_for_nothing_else(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "STORED_AT_END_WITHIN_S", 60.0)  # its stalled upstream is given up before that
    digest = hangar.upstream.add(BLOB)
    hangar.upstream.faults = [hold_after(70_000)]

    async def work(desk: Deliveries) -> None:
        held = await desk.deliver(hangar.address(digest), hangar.passage(digest))
        [flight] = desk.flights
        await desk.stop()
        assert str(flight.failure) == "stopping"
        held.close()

    with_desk(hangar, work)
