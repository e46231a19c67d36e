"""What is going on, and how long it will take: estimated by the plan, corrected by how that went so far."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from .matrix import Cell, Plan

_CLIENT_S = 0.8  # a client process, from its start to its end
_COLD_S = 4.0  # a server from nothing, its pull, until it stands still
_STORE_BLOBS_PER_S = 8_000  # made, walked, swept


def seconds(cell: Cell, plan: Plan) -> float:
    """How long one round of `cell` may take."""
    servers = len(cell.servers)
    if cell.kind == "hit":
        return servers * (plan.window_s + _CLIENT_S)
    if cell.kind == "slow":
        return servers * (plan.slow_s + _CLIENT_S + 1)
    if cell.kind == "start":
        return servers * (2 * plan.window_s + 5) + cell.blobs / _STORE_BLOBS_PER_S
    return servers * _COLD_S


def planned_s(plan: Plan) -> float:
    rounds = ((plan.hits, plan.rounds), (plan.cold, plan.cold_rounds), (plan.slow, 1), (plan.start, 1))
    return sum(seconds(cell, plan) * times for cells, times in rounds for cell in cells)


class Progress:
    def __init__(self, plan: Plan, now_s: Callable[[], float] = time.monotonic) -> None:
        self._plan, self._now_s, self._began_s = plan, now_s, now_s()
        self._planned_s, self._reached_s, self._next_s = planned_s(plan), 0.0, 0.0

    @property
    def duration_s(self) -> float:
        return self._now_s() - self._began_s

    def say(self, text: str) -> None:
        left = f", {_minutes(self.left_s)} left" if self._reached_s else ""
        print(f"bench: {self.duration_s:5.0f}s{left}  {text}", file=sys.stderr, flush=True)

    def step(self, text: str, cell: Cell) -> None:
        """A round of `cell` begins; so the one before is over."""
        self._reached_s += self._next_s
        self._next_s = seconds(cell, self._plan)
        self.say(text)

    @property
    def left_s(self) -> float:
        """As slow as the plan's estimate turned out to be so far."""
        pace = self.duration_s / self._reached_s if self._reached_s else 1.0
        return max(0.0, self._planned_s - self._reached_s) * pace


def _minutes(seconds_left: float) -> str:
    return f"{seconds_left:.0f}s" if seconds_left < 100 else f"{seconds_left / 60:.0f}min"
