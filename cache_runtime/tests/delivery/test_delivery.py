"""Which pieces of a blob wait for the verdict on the whole, and what becomes of it where the volume cannot tell."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from doubles.upstream import Answering, wrong_byte
from dtr_content_cache.delivery.delivery import FilePart, FlightDelivery, is_judged
from dtr_content_cache.delivery.filling import Filling
from dtr_content_cache.delivery.flight import Flight
from dtr_content_cache.delivery.streams import Streams
from dtr_content_cache.values.byte_range import ByteRange, parse_ranges, resolve_ranges
from dtr_content_cache.values.failures import StorageBroken, WrongBytes

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
        assert [part async for part in delivery.pieces(ByteRange(0, 1000))]
        hangar.upstream.release.set()
        await running
        assert flight.generation == 1

        with pytest.raises(WrongBytes):
            assert [part async for part in delivery.pieces(ByteRange(200_000, 201_000))]
        delivery.close()
        flight.land()

    hangar.run(work)
