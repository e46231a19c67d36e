"""Fills that broke wait for whoever asks next: not for ever, not many, and not against somebody who needs the room."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from dtr_content_cache.delivery import parking
from dtr_content_cache.delivery.filling import Filling
from dtr_content_cache.delivery.parking import Parking

_numbers = itertools.count()


def _broken_fill(hangar: Any) -> Filling:
    data = b"%d" % next(_numbers) + b"x" * 1000
    filling: Filling = hangar.filling(hangar.upstream.add(data), len(data))
    filling.write(memoryview(data)[:500], 0)
    return filling


def _in_loop(hangar: Any, work: Any) -> None:
    async def run() -> None:
        await work()

    hangar.run(run)


def test_what_is_parked_is_there_once_for_the_next_who_asks(hangar: Any) -> None:
    async def work() -> None:
        parked, filling = Parking(), _broken_fill(hangar)
        parked.keep(filling)

        assert len(parked) == 1
        assert parked.take(filling.digest.hex) is filling
        assert parked.take(filling.digest.hex) is None
        filling.drop()
        filling.release()

    _in_loop(hangar, work)


def test_the_oldest_goes_with_its_room_when_there_are_too_many(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "PARKED_LIMIT", 2)

    async def work() -> None:
        parked, fills = Parking(), [_broken_fill(hangar) for _ in range(3)]
        for filling in fills:
            parked.keep(filling)

        assert parked.take(fills[0].digest.hex) is None
        assert fills[0].fd == -1
        assert fills[0].reservation.size == 0
        assert parked.drop_all()
        assert [filling.fd for filling in fills] == [-1, -1, -1]
        assert not parked.drop_all()

    _in_loop(hangar, work)


def test_what_nobody_comes_back_for_goes_when_its_time_is_over(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "PARKED_S", -1.0)  # over at once, looked at in the next turn of the loop

    async def work() -> None:
        parked, filling = Parking(), _broken_fill(hangar)
        parked.keep(filling)
        while len(parked):
            await asyncio.sleep(0)

        assert filling.fd == -1

    _in_loop(hangar, work)
