"""A clock that stands still until a test moves it."""

from __future__ import annotations


class HandMovedClock:
    def __init__(self, wall_s: float = 1_800_000_000.0, steady_s: float = 1_000.0) -> None:
        self._wall_s, self._steady_s = wall_s, steady_s

    def wall(self) -> float:
        return self._wall_s

    def steady(self) -> float:
        return self._steady_s

    def advance(self, seconds: float) -> None:
        self._wall_s += seconds
        self._steady_s += seconds

    def set_wall(self, wall_s: float) -> None:
        """As when somebody sets the machine's clock."""
        self._wall_s = wall_s
