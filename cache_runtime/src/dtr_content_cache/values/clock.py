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


class SystemClock:
    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def wall(self) -> float:
        return time.time()

    def steady(self) -> float:
        return time.monotonic() + self._offset
