"""Which pieces of a blob wait for the verdict on the whole, and what becomes of it where the volume cannot tell."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import pytest
from doubles.flights import bring
from doubles.upstream import Answering, wrong_byte
from dtr_content_cache.delivery.delivery import (
    BypassDelivery,
    Delivery,
    FilePart,
    FlightDelivery,
    is_judged,
)
from dtr_content_cache.delivery.filling import Filling
from dtr_content_cache.delivery.flight import Flight
from dtr_content_cache.delivery.streams import Streams
from dtr_content_cache.values.byte_range import ByteRange, parse_ranges, resolve_ranges
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import StorageTrouble
from dtr_content_cache.values.failures import NoSpace, StorageBroken, WrongBytes

TOTAL = 1000


@pytest.mark.parametrize(
    ("header", "judged"),
    [
        ("bytes=0-", True),
        ("bytes=0-999", True),
        ("bytes=0-5000", True),
        ("bytes=-1000", True),
        ("bytes=500-", True),  # goes on after a break, and then believes that it has the whole
        ("bytes=999-", True),
        ("bytes=500-999", False),  # picked out
        ("bytes=-10", False),
        ("bytes=0-998", False),
        ("bytes=5-10", False),
    ],
)
def test_a_piece_that_ends_a_whole_is_judged_and_one_that_is_picked_out_is_not(header: str, judged: bool) -> None:
    [piece] = resolve_ranges(parse_ranges(header) or (), TOTAL)

    assert is_judged(piece, TOTAL) is judged


@pytest.mark.parametrize("lies", [False, True])
def test_a_volume_that_fails_at_the_verdict_does_not_do_without_it(
    hangar: Any, lies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(filling: Filling) -> bool:
        raise StorageBroken("reading: EIO")

    monkeypatch.setattr(Filling, "verdict_at_hand", lambda filling: None)
    monkeypatch.setattr(Filling, "verdict", fails)
    digest = hangar.upstream.add(b"0123456789" * 1000)
    hangar.upstream.always = wrong_byte(7) if lies else None

    async def work() -> int:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), None)
        delivery = FlightDelivery(hangar.means, Streams(), flight, hangar.passage(digest), "miss")
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        await delivery.ready()
        length = 0
        async for part in delivery.pieces(ByteRange(0, delivery.total)):
            length += part.length if isinstance(part, FilePart) else len(part)
        await running
        delivery.close()
        return length

    if lies:
        with pytest.raises(WrongBytes):
            hangar.run(work)
    else:
        assert hangar.run(work) == 10_000


def test_the_parts_of_one_answer_never_come_from_two_starts_of_a_file(hangar: Any) -> None:
    data = random.Random(6).randbytes(600_000)
    digest = hangar.upstream.add(data)
    wrong = bytearray(data)
    wrong[100_000] ^= 1

    def wrong_and_held(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=len(wrong))
        answering.body(bytes(wrong[:300_000]))
        answering.upstream.release.wait(20)
        answering.body(bytes(wrong[300_000:]))

    hangar.upstream.faults = [wrong_and_held]

    async def work() -> None:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), None)
        delivery = FlightDelivery(hangar.means, Streams(), flight, hangar.passage(digest), "miss")
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        await delivery.ready()
        [part] = [part async for part in delivery.pieces(ByteRange(0, 1000))]
        hangar.upstream.release.set()
        await running
        assert flight.generation == 1
        assert os.pread(part.fd, part.length, part.offset) == data[:1000], "who still sends from it reads on"

        with pytest.raises(WrongBytes):
            assert [part async for part in delivery.pieces(ByteRange(200_000, 201_000))]
        delivery.close()
        flight.land()

    hangar.run(work)


def test_a_file_that_can_no_longer_be_read_at_all_is_relayed_from_its_beginning(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(filling: Filling) -> Any:
        raise StorageBroken("reading: EIO")

    monkeypatch.setattr(Filling, "verdict_at_hand", lambda filling: None)
    monkeypatch.setattr(Filling, "verdict", fails)
    monkeypatch.setattr(Filling, "prefix_hash", fails)
    data = random.Random(7).randbytes(10_000)
    digest = hangar.upstream.add(data)

    async def work() -> bytes:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), None)
        delivery = FlightDelivery(hangar.means, Streams(), flight, hangar.passage(digest), "miss")
        await flight.run(asyncio.Semaphore(1))
        await delivery.ready()
        got = [part async for part in delivery.pieces(ByteRange(0, delivery.total))]
        delivery.close()
        assert delivery.cache == "bypass"
        return b"".join(part for part in got if isinstance(part, bytes))

    assert hangar.run(work) == data
    troubles = [(event.operation, event.reason) for event in hangar.events if isinstance(event, StorageTrouble)]
    assert ("reading", "reading: EIO") in troubles


@pytest.mark.parametrize("kept", [0, 4_000, 10_000])
def test_what_did_reach_the_volume_comes_from_there_and_the_rest_past_it(hangar: Any, kept: int) -> None:
    data = random.Random(8).randbytes(10_000)
    digest = hangar.upstream.add(data)

    async def work() -> tuple[list[Any], list[bytes]]:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), hangar.filling(digest, 10_000))
        assert flight.filling is not None
        bring(flight.filling, data[:kept])
        flight.failure = StorageBroken("writing: EIO")
        delivery = FlightDelivery(hangar.means, Streams(), flight, hangar.passage(digest), "miss")
        await delivery.ready()
        parts = [part async for part in delivery._without_volume(ByteRange(2_000, 10_000), True)]
        files = [(part.offset, part.length) for part in parts if isinstance(part, FilePart)]
        delivery.close()
        return files, [part for part in parts if isinstance(part, bytes)]

    files, past_it = hangar.run(work)
    assert files == ([(2_000, kept - 2_000)] if kept > 2_000 else [])
    assert b"".join(past_it) == data[max(kept, 2_000) :]
    assert len(hangar.upstream.blob_requests()) == (kept < 10_000)


def test_a_reader_holds_one_file_at_a_time_and_none_after_it_has_left(hangar: Any) -> None:
    data = b"0123456789" * 100
    digest = hangar.upstream.add(data)

    async def work() -> None:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), None)
        delivery = FlightDelivery(hangar.means, Streams(), flight, hangar.passage(digest), "miss")
        first, second = (hangar.filling(digest, len(data)) for _ in range(2))
        for filling in (first, first, second):
            assert delivery._hold(filling) is filling
        first.release()
        assert (first.fd, second.fd >= 0) == (-1, True)
        second.release()
        assert second.fd >= 0
        delivery.close()
        assert second.fd == -1

    hangar.run(work)


def test_who_has_got_all_it_asked_for_waits_for_no_thread(hangar: Any) -> None:
    data = random.Random(13).randbytes(10_000)
    digest = hangar.upstream.add(data)

    async def work() -> None:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), hangar.filling(digest, 10_000))
        assert flight.filling is not None
        bring(flight.filling, data)
        hangar.threads.shutdown()
        delivery = FlightDelivery(hangar.means, Streams(), flight, hangar.passage(digest), "miss")
        await delivery.ready()
        parts = [part async for part in delivery.pieces(ByteRange(2_000, 5_000))]
        assert [(part.offset, part.length) for part in parts if isinstance(part, FilePart)] == [(2_000, 3_000)]
        delivery.close()

    hangar.run(work)


def test_a_blob_for_which_no_file_could_be_made_comes_past_the_volume_whole(hangar: Any) -> None:
    data = random.Random(9).randbytes(10_000)
    digest = hangar.upstream.add(data)

    async def work() -> bytes:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), None)
        flight.total, flight.failure = len(data), NoSpace("no room")
        delivery = FlightDelivery(hangar.means, Streams(), flight, hangar.passage(digest), "miss")
        await delivery.ready()
        got = [part async for part in delivery.pieces(ByteRange(0, len(data)))]
        delivery.close()
        assert delivery.cache == "bypass"
        return b"".join(part for part in got if isinstance(part, bytes))

    assert hangar.run(work) == data


def test_whoever_comes_while_a_blob_streams_past_the_volume_follows_that_stream(hangar: Any) -> None:
    data = random.Random(10).randbytes(10_000)
    digest = hangar.upstream.add(data)

    async def work() -> bytes:
        delivery = BypassDelivery(hangar.means, Streams(), Digest.parse(digest), hangar.passage(digest), len(data))
        got = [part async for part in delivery.pieces(ByteRange(0, len(data)))]
        delivery.close()
        assert (delivery.cache, delivery.total, delivery.upstream) == ("bypass", len(data), "")
        return b"".join(part for part in got if isinstance(part, bytes))

    assert hangar.run(work) == data


@pytest.mark.parametrize(
    ("kept", "start", "end", "from_file", "asked"),
    [
        (8_000, 2_000, 5_000, [(2_000, 3_000)], []),
        (5_000, 2_000, 5_000, [(2_000, 3_000)], []),
        (4_000, 2_000, 5_000, [(2_000, 2_000)], ["bytes=4000-4999"]),
        (2_000, 2_000, 5_000, [], ["bytes=2000-4999"]),
        (1_000, 2_000, 5_000, [], ["bytes=2000-4999"]),
    ],
)
def test_a_picked_out_piece_comes_from_the_file_as_far_as_that_goes_and_from_upstream_behind_it(
    hangar: Any, kept: int, start: int, end: int, from_file: list[tuple[int, int]], asked: list[str]
) -> None:
    data = random.Random(11).randbytes(10_000)
    digest = hangar.upstream.add(data)

    async def work() -> None:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), hangar.filling(digest, 10_000))
        assert flight.filling is not None
        bring(flight.filling, data[:kept])
        flight.failure = StorageBroken("writing: EIO")
        delivery = FlightDelivery(hangar.means, Streams(), flight, hangar.passage(digest), "miss")
        await delivery.ready()
        parts = [part async for part in delivery._without_volume(ByteRange(start, end), False)]
        assert [(part.offset, part.length) for part in parts if isinstance(part, FilePart)] == from_file
        past_it = b"".join(part for part in parts if isinstance(part, bytes))
        assert past_it == data[max(start, kept) : end]
        delivery.close()

    hangar.run(work)
    assert [request.headers.get("range") for request in hangar.upstream.blob_requests()] == asked


@pytest.mark.parametrize("lies", [False, True])
def test_a_file_that_is_whole_is_judged_before_its_rest_is_sent_without_the_volume(hangar: Any, lies: bool) -> None:
    data = random.Random(12).randbytes(10_000)
    digest = hangar.upstream.add(data)

    async def work() -> list[Any]:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), hangar.filling(digest, 10_000))
        assert flight.filling is not None
        bring(flight.filling, bytes(10_000) if lies else data)
        delivery = FlightDelivery(hangar.means, Streams(), flight, hangar.passage(digest), "miss")
        await delivery.ready()
        try:
            return [part async for part in delivery._without_volume(ByteRange(9_000, 10_000), True)]
        finally:
            delivery.close()

    if lies:
        with pytest.raises(WrongBytes):
            hangar.run(work)
    else:
        assert [(part.offset, part.length) for part in hangar.run(work)] == [(9_000, 1_000)]
    assert hangar.upstream.blob_requests() == []


def test_an_answer_says_which_upstream_it_comes_from(hangar: Any) -> None:
    digest = hangar.upstream.add(b"0123456789")

    async def work() -> None:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), None)
        delivery = FlightDelivery(hangar.means, Streams(), flight, hangar.passage(digest), "miss")
        assert (delivery.upstream, flight.readers) == ("", 1)
        await flight.run(asyncio.Semaphore(1))
        assert await delivery.ready() is delivery
        assert (delivery.upstream, delivery.cache, delivery.total) == (hangar.hop.url, "miss", 10)
        delivery.close()
        assert flight.readers == 0

    hangar.run(work)


def test_whatever_is_delivered_says_itself_how() -> None:
    with pytest.raises(NotImplementedError):
        Delivery().pieces(ByteRange(0, 1))
    with pytest.raises(NotImplementedError):
        Delivery().close()
