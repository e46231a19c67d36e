"""Which bytes of a blob are present: a sorted list of pieces that do not touch. Pure."""

from __future__ import annotations

from bisect import bisect_right


class Extents:
    """Half-open pieces [start, end). Adding what is present already is allowed."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        if start >= end:
            return
        low = bisect_right(self._ends, start - 1)  # first piece that touches or follows `start`
        high = bisect_right(self._starts, end)  # first piece that begins after `end`
        if low < high:
            start, end = min(start, self._starts[low]), max(end, self._ends[high - 1])
        self._starts[low:high] = [start]
        self._ends[low:high] = [end]

    def run_end(self, position: int) -> int:
        """The end of the piece that contains `position`; `position` itself where that byte is missing."""
        at = bisect_right(self._starts, position) - 1
        return max(position, self._ends[at]) if at >= 0 else position

    def gap_end(self, position: int, total: int) -> int:
        """Where the missing run that begins at `position` ends: at the next piece, or at `total`."""
        at = bisect_right(self._starts, position)
        return min(self._starts[at], total) if at < len(self._starts) else total

    def missing(self, start: int, end: int) -> list[tuple[int, int]]:
        """The stretches between `start` and `end` that are not present."""
        found, position = [], start
        while (position := self.run_end(position)) < end:
            gap_end = self.gap_end(position, end)
            found.append((position, gap_end))
            position = gap_end
        return found

    def present_bytes(self) -> int:
        return sum(self._ends) - sum(self._starts)
