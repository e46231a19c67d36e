"""The time, passed in wherever a decision needs it, so that a test can move it by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def wall(self) -> float:
        """Seconds since the epoch, by the machine's clock as it is set now: for grants and certificates."""

    def steady(self) -> float:
        """Seconds since the epoch as counted since this process started: a clock set forward or back while we run
        does not move it. For everything that ages blobs."""


_TRIES = 5


class SystemClock:
    def __init__(self) -> None:
        # The machine may give its processor to others between the questions: the closest of a few counts.
        self._offset = min(_offset() for _ in range(_TRIES))[1]

    def wall(self) -> float:
        return time.time()

    def steady(self) -> float:
        return time.monotonic() + self._offset


def _offset() -> tuple[float, float]:
    """(how inexact, the wall clock less the monotonic one), in seconds."""
    before_s, wall_s, after_s = time.monotonic(), time.time(), time.monotonic()
    return after_s - before_s, wall_s - after_s
