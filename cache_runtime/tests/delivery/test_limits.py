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
    for _ in range(5 * rate // throttle.piece_bytes):
        throttle.take(throttle.piece_bytes)

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


def test_another_cap_counts_from_the_next_piece_on(moved: _Time) -> None:
    throttle = Throttle(None)
    throttle.take(1 << 30)
    assert (moved.slept, throttle.piece_bytes) == (0.0, PIECE_BYTES)
    throttle.limit(100_000)
    assert throttle.piece_bytes == 10_000
    for _ in range(10):
        throttle.take(10_000)
    assert moved.slept == pytest.approx(0.9)
    throttle.limit(None)
    throttle.take(1 << 30)
    assert moved.slept == pytest.approx(0.9)


def test_a_piece_that_was_asked_for_before_the_cap_costs_no_more_than_one_asked_for_under_it(moved: _Time) -> None:
    throttle = Throttle(None)
    throttle.limit(100_000)
    throttle.take(PIECE_BYTES)
    throttle.take(10_000)

    assert moved.slept == pytest.approx(0.1)


@pytest.mark.parametrize(("cap", "slept_s"), [(None, 0.25), (200_000, 0.25), (10_000, 0.25), (1000, 3.996)])
def test_who_waits_under_a_cap_goes_on_when_there_is_another(
    moved: _Time, monkeypatch: pytest.MonkeyPatch, cap: int | None, slept_s: float
) -> None:
    throttle, sleep = Throttle(1000), moved.sleep

    def reloaded(seconds: float) -> None:
        sleep(seconds)
        throttle.limit(cap)

    monkeypatch.setattr(moved, "sleep", reloaded)
    throttle.take(4096)

    assert moved.slept == pytest.approx(slept_s)


def test_another_cap_asks_nothing_for_what_came_under_the_one_before(moved: _Time) -> None:
    throttle = Throttle(1000)
    throttle.take(4096)
    slept = moved.slept
    throttle.limit(2000)
    throttle.take(200)

    assert moved.slept == slept


def test_a_cap_owes_nothing_from_before_it_even_on_a_machine_that_has_just_started(moved: _Time) -> None:
    moved.now = 0.0
    throttle = Throttle(1000)
    throttle.take(100)
    throttle.limit(2000)
    throttle.take(200)

    assert moved.slept == 0


def test_who_has_been_given_up_waits_no_longer(moved: _Time) -> None:
    throttle = Throttle(1000)
    throttle.take(4096, lambda: moved.slept >= 0.5)

    assert moved.slept == 0.5
