"""Fills that broke wait for whoever asks next: not for ever, not many, and not against somebody who needs the room."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from doubles.flights import bring
from dtr_content_cache.delivery import parking
from dtr_content_cache.delivery.filling import Filling
from dtr_content_cache.delivery.parking import Parking

_numbers = itertools.count()


def _broken_fill(hangar: Any) -> Filling:
    data = b"%d" % next(_numbers) + b"x" * 1000
    filling: Filling = hangar.filling(hangar.upstream.add(data), len(data))
    bring(filling, data[:500])
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
        parked.drop_all()
        assert [filling.fd for filling in fills] == [-1, -1, -1]
        assert parked.give_up() is None

    _in_loop(hangar, work)


def test_room_is_given_up_by_the_oldest_first_to_whichever_thread_needs_it(hangar: Any) -> None:
    async def work() -> None:
        parked, fills = Parking(), [_broken_fill(hangar) for _ in range(2)]
        for filling in fills:
            parked.keep(filling)

        assert await asyncio.to_thread(parked.give_up) == fills[0].total
        assert ([filling.fd >= 0 for filling in fills], hangar.space._pledged) == ([False, True], fills[1].total)
        parked.drop_all()

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


class _Days:
    """Instead of `time` and `asyncio`: a clock that a test moves, and a loop that notes what it is to call."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.later: list[tuple[float, Any]] = []

    def monotonic(self) -> float:
        return self.now_s

    def get_running_loop(self) -> _Days:
        return self

    def call_later(self, seconds: float, call: Any) -> None:
        self.later.append((seconds, call))


def test_what_is_parked_stays_its_time_and_is_looked_at_when_that_is_over(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = _Days()
    monkeypatch.setattr(parking, "time", days)
    monkeypatch.setattr(parking, "asyncio", days)
    parked, fills = Parking(), [_broken_fill(hangar) for _ in range(2)]
    for filling in fills:
        filling.progress = object()  # type: ignore[assignment]
        parked.keep(filling)
        days.now_s += 100
    [(after_s, look), _] = days.later

    assert after_s == 601.0
    assert [filling.progress for filling in fills] == [None, None], "there is nobody to tell"
    for now_s, left in ((1599.0, 2), (1600.0, 1), (1699.0, 1), (1700.0, 0)):
        days.now_s = now_s
        look()
        assert len(parked) == left
    assert [filling.fd for filling in fills] == [-1, -1]
    assert hangar.space._pledged == 0


def test_as_many_as_may_be_parked_are(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "PARKED_LIMIT", 2)

    async def work() -> None:
        parked, fills = Parking(), [_broken_fill(hangar) for _ in range(2)]
        for filling in fills:
            parked.keep(filling)
        assert [parked.take(filling.digest.hex) for filling in fills] == fills
        for filling in fills:
            filling.drop()
            filling.release()

    _in_loop(hangar, work)
