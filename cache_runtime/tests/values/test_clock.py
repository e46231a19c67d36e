"""The two clocks: one follows the machine's, one only runs forward."""

from __future__ import annotations

import time

import pytest
from dtr_content_cache.values.clock import SystemClock


def test_the_steady_clock_ignores_a_clock_that_is_set_while_we_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    before = clock.steady()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 10 * 365 * 86400)
    assert clock.wall() - before > 9 * 365 * 86400
    assert 0 <= clock.steady() - before < 60


@pytest.mark.parametrize("asked", [1, 2])
def test_a_pause_while_the_clocks_are_compared_does_not_count(monkeypatch: pytest.MonkeyPatch, asked: int) -> None:
    """In its middle, or behind the second question; the later tries meet none."""
    monotonic, wall, calls, paused = time.monotonic, time.time, [0], [0.0]

    def count() -> float:
        calls[0] += 1
        if calls[0] == asked + 1:
            paused[0] += 3
        return paused[0]

    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: monotonic() + count())
        patch.setattr(time, "time", lambda: wall() + count())
        off_s = SystemClock()._offset - (wall() - monotonic())

    assert paused == [3.0]
    assert abs(off_s) < 1
