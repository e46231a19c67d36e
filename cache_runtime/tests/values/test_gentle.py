"""Work that nobody waits for leaves the interpreter to others."""

from __future__ import annotations

import pytest
from dtr_content_cache.values import gentle
from dtr_content_cache.values.gentle import Gentle


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every question for the thread's time finds it half a second older."""
    clock, slept = iter(range(100)), []
    monkeypatch.setattr(gentle.time, "thread_time", lambda: 0.5 * next(clock))
    monkeypatch.setattr(gentle.time, "sleep", slept.append)
    return slept


def test_it_rests_five_times_as_long_as_it_had_the_processor_since_it_last_rested(slept: list[float]) -> None:
    thread = Gentle()
    thread.rest()
    thread.rest()

    assert slept == [2.5, 2.5]


def test_it_rests_longer_where_it_is_told_to(slept: list[float]) -> None:
    thread = Gentle()
    thread.rest(2.4)
    thread.rest(2.6)

    assert slept == [2.5, 2.6]
