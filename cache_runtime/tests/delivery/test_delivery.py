"""Which pieces of a blob wait for the verdict on the whole, and what becomes of it where the volume cannot tell."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from doubles.upstream import wrong_byte
from dtr_content_cache.delivery.delivery import FilePart, FlightDelivery, is_judged
from dtr_content_cache.delivery.filling import Filling
from dtr_content_cache.delivery.flight import Flight
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

    monkeypatch.setattr(Filling, "verdict", fails)
    digest = hangar.upstream.add(b"0123456789" * 1000)
    hangar.upstream.always = wrong_byte(7) if lies else None

    async def work() -> int:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), None)
        delivery = FlightDelivery(hangar.means, flight, hangar.passage(digest), "miss")
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
