"""Whether figures of one long life rise: noise goes up and down, a leak goes up only."""

from __future__ import annotations

from statistics import median

_ENOUGH = 12


class Trend:
    """Of one figure. `first_limit`: how far above the first one it may be while there are too few to see a trend;
    `limit`: how far the middle one of the last third may be above that of the first. `settling`: so many figures are of
    a life that still fills what is bounded, such as caches in memory; of them there is no trend."""

    def __init__(self, first_limit: float, limit: float, settling: int = 0) -> None:
        self._first_limit, self._limit, self._settling = first_limit, limit, settling
        self._figures: list[float] = []

    def add(self, figure: float) -> float | None:
        """How much has been gained, where that is more than it may be."""
        self._figures.append(figure)
        settled = self._figures[self._settling :]
        if len(settled) < _ENOUGH:
            gained, limit = figure - self._figures[0], self._first_limit
        else:
            third = len(settled) // 3
            gained, limit = median(settled[-third:]) - median(settled[:third]), self._limit
        return gained if gained > limit else None
