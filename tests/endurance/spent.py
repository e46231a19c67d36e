"""Where the time of this run went, by campaign: to begin and end, to its cycles, to its teeth. Not kept in a record."""

from __future__ import annotations

import time
from collections import Counter

PARTS = ("begin", "cycles", "teeth")


class Spent:
    """Seconds by campaign and part, and since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.seconds: dict[str, Counter[str]] = {}

    def add(self, name: str, part: str, seconds: float) -> None:
        self.seconds.setdefault(name, Counter())[part] += seconds  # type: ignore[assignment]

    def total(self) -> float:
        return time.monotonic() - self._began

    def lines(self) -> list[str]:
        """A line for each campaign, the dearest first."""
        dearest = sorted(self.seconds.items(), key=lambda one: -sum(one[1].values()))
        return [
            f"{sum(parts.values()):6.1f} s  {name}: {', '.join(f'{part} {parts[part]:.1f}' for part in PARTS)}"
            for name, parts in dearest
        ]
