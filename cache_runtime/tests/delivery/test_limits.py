"""The cap on what comes from upstreams, over all threads together."""

from __future__ import annotations

import threading
import time

import pytest
from dtr_content_cache.delivery import limits
from dtr_content_cache.delivery.limits import PIECE_BYTES, Throttle


class _Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> _Time:
    moved = _Time()
    monkeypatch.setattr(limits, "time", moved)
    return moved


@pytest.mark.parametrize("rate", [50_000, 1_000_000, 1_000_000_000])
def test_taking_costs_the_time_that_the_rate_asks_for(moved: _Time, rate: int) -> None:
    throttle = Throttle(rate)
    for _ in range(100):
        throttle.take(rate // 20)

    assert moved.slept == pytest.approx(5.0, abs=0.15)


def test_time_that_nobody_used_is_not_saved_up(moved: _Time) -> None:
    throttle = Throttle(1000)
    throttle.take(1000)
    moved.now += 3600
    before = moved.slept
    for _ in range(20):
        throttle.take(100)

    assert moved.slept - before == pytest.approx(2.0, abs=0.15)


def test_without_a_cap_nothing_waits(moved: _Time) -> None:
    Throttle(None).take(1 << 40)

    assert moved.slept == 0


@pytest.mark.parametrize(("rate", "piece"), [(None, PIECE_BYTES), (1, 4096), (500_000, 50_000), (1 << 40, PIECE_BYTES)])
def test_pieces_are_a_tenth_of_a_second_within_bounds(rate: int | None, piece: int) -> None:
    assert Throttle(rate).piece_bytes == piece


def test_a_cap_can_be_lifted_while_threads_take(moved: _Time) -> None:
    throttle = Throttle(1000)
    failures: list[BaseException] = []

    def take() -> None:
        try:
            for _ in range(2000):
                throttle.take(1)
                assert throttle.piece_bytes > 0
        except BaseException as failure:
            failures.append(failure)

    takers = [threading.Thread(target=take) for _ in range(4)]
    for taker in takers:
        taker.start()
    while any(taker.is_alive() for taker in takers):
        throttle.limit(None)
        throttle.limit(10_000)
        time.sleep(0)

    assert failures == []
