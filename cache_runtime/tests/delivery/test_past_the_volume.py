"""Where the volume takes no blob: who follows which transfer past it, and by which length."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from doubles.desk import with_desk
from doubles.timers import timers_of
from doubles.upstream import Answering, Upstream, hold_after
from dtr_content_cache.delivery import streams
from dtr_content_cache.delivery.attempts import Attempts
from dtr_content_cache.delivery.deliveries import Deliveries
from dtr_content_cache.delivery.delivery import BypassDelivery, Delivery
from dtr_content_cache.delivery.streams import Streams
from dtr_content_cache.retention.choice import Limits
from dtr_content_cache.upstream.turns import Turns
from dtr_content_cache.values.byte_range import ByteRange
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.failures import NoSpace

BLOB = b"0123456789" * 20_000


def _no_room(*what: Any) -> Any:
    raise NoSpace("no room")


def test_who_comes_while_a_blob_streams_past_a_full_volume_follows_that_stream(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    address, passage = hangar.address(digest), hangar.passage(digest)
    hangar.space.reserve = _no_room
    hangar.upstream.faults = [None, hold_after(70_000)]

    async def work(desk: Deliveries) -> None:
        first = await desk.deliver(address, passage)
        pieces = first.pieces(ByteRange(0, len(BLOB)))
        taking = asyncio.create_task(anext(pieces))
        while desk.streams.reaching(address.digest, 0) is None or desk.flights:
            await asyncio.sleep(0.001)
        second = await desk.deliver(address, passage)
        assert (type(second), second.total) == (BypassDelivery, len(BLOB))
        hangar.upstream.release.set()
        got = b"".join([piece async for piece in second.pieces(ByteRange(0, len(BLOB)))])  # type: ignore[misc]
        assert got == BLOB
        await taking
        await pieces.aclose()
        for delivery in (first, second):
            delivery.close()

    with_desk(hangar, work)
    assert len(hangar.upstream.blob_requests()) == 2


def test_who_comes_between_a_flight_without_room_and_the_stream_that_follows_asks_nobody(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    address, passage = hangar.address(digest), hangar.passage(digest)
    hangar.space.reserve = _no_room

    async def work(desk: Deliveries) -> None:
        first = await desk.deliver(address, passage)
        await _until_landed(desk)
        assert desk.streams.reaching(address.digest, 0) is None
        second = await desk.deliver(address, passage)
        assert (type(second), second.total) == (BypassDelivery, len(BLOB))
        assert len(hangar.upstream.blob_requests()) == 1

        assert await asyncio.gather(_all_of(second), _all_of(first)) == [BLOB, BLOB]
        assert desk.streams.total_of(address.digest) is None, "the next one tries the volume again"

    with_desk(hangar, work)
    assert len(hangar.upstream.blob_requests()) == 2


def test_who_comes_after_a_lie_about_the_length_is_told_the_right_one(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    address, passage = hangar.address(digest), hangar.passage(digest)
    hangar.space.limits = Limits(None, len(BLOB), None, None)

    def lie(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=1 << 50)
        answering.body(answering.blob)
        answering.sock.shutdown(2)

    hangar.upstream.always = lie
    with Upstream(blobs=hangar.upstream.blobs) as honest:
        hops = [hangar.hop, replace(hangar.hop, port=honest.port)]
        attempts = Attempts(Turns(hops, hangar.means.clock), hangar.events.append, lambda: "")
        hangar.means = replace(hangar.means, attempts=attempts)

        async def work(desk: Deliveries) -> None:
            for _ in range(3):
                delivery = await desk.deliver(address, passage)
                assert delivery.total == len(BLOB)
                delivery.close()
                await _until_landed(desk)

        with_desk(hangar, work)


def test_a_stream_that_nobody_begins_is_not_expected_for_long(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "EXPECTED_S", 0.01)
    digest = hangar.upstream.add(BLOB)
    address, passage = hangar.address(digest), hangar.passage(digest)
    hangar.space.reserve = _no_room

    async def work(desk: Deliveries) -> None:
        first = await desk.deliver(address, passage)
        await _until_landed(desk)
        assert desk.streams.total_of(address.digest) == len(BLOB)
        while desk.streams.total_of(address.digest) is not None:
            await asyncio.sleep(0.001)
        first.close()

    with_desk(hangar, work)


def test_a_stream_is_expected_for_as_long_as_the_latest_word_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = Digest("1" * 64)

    async def work() -> None:
        ends, expecting = timers_of(asyncio.get_running_loop(), monkeypatch), Streams()
        expecting.expect(digest, 10)
        expecting.expect(digest, 20)
        assert [end.cancelled() for end in ends] == [True, False]
        assert expecting.total_of(digest) == 20

    asyncio.run(work())


def test_no_stream_is_expected_where_nobody_waits_any_more(hangar: Any) -> None:
    digest = hangar.upstream.add(BLOB)
    address, passage = hangar.address(digest), hangar.passage(digest)
    hangar.space.reserve = _no_room

    async def work(desk: Deliveries) -> None:
        flight = desk._prepare(address, passage)
        await desk._fly(digest.removeprefix("sha256:"), flight)
        assert isinstance(flight.failure, NoSpace)
        assert desk.streams.total_of(address.digest) is None

    with_desk(hangar, work)


async def _until_landed(desk: Deliveries) -> None:
    while desk.flights:
        await asyncio.sleep(0)


async def _all_of(delivery: Delivery) -> bytes:
    got = b"".join([piece async for piece in delivery.pieces(ByteRange(0, delivery.total))])  # type: ignore[misc]
    delivery.close()
    return got
