"""Whether figures of one long life rise: noise goes up and down, a leak goes up only."""

from __future__ import annotations

from statistics import median

_ENOUGH = 12


class Trend:
    """Of one figure. `first_limit`: how far above the first one it may be while there are too few to see a trend;
    `limit`: how far the middle one of the last third may be above that of the first."""

    def __init__(self, first_limit: float, limit: float) -> None:
        self._first_limit, self._limit = first_limit, limit
        self._figures: list[float] = []

    def add(self, figure: float) -> float | None:
        """How much has been gained, where that is more than it may be."""
        self._figures.append(figure)
        if len(self._figures) < _ENOUGH:
            gained, limit = figure - self._figures[0], self._first_limit
        else:
            third = len(self._figures) // 3
            gained, limit = median(self._figures[-third:]) - median(self._figures[:third]), self._limit
        return gained if gained > limit else None
