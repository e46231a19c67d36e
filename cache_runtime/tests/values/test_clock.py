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
