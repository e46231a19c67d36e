"""Bugs that are put in on purpose are caught, each by the test that is named for it: tests that test."""

from __future__ import annotations

import time

from ..campaign import Campaign, Found
from ..seeded import Greenhouse, read_seeds

_DAY_S = 86_400


class SeededBugs(Campaign):
    """The n-th cycle takes the n-th bug; a short run begins elsewhere every day, so that it comes round to all."""

    name = "seeded bugs"
    promise = "Whoever breaks what the product rests on is told so by the test of that name"
    unit = "seeded bug"
    ci, full = 6, len(read_seeds())

    def begin(self) -> None:
        self._house = Greenhouse(self.place)
        self._seeds = read_seeds()
        self._first = int(time.time() // _DAY_S) * self.ci

    def cycle(self, seed: str) -> Found:
        found = Found()
        chosen = self._seeds[(self._first + int(seed.rpartition(":")[2])) % len(self._seeds)]
        said = self._house.judge(chosen, put_in=not self.without)
        found.count("bugs caught", not said)
        found.expect(not said, f"{said} (python -m endurance.seeded '{chosen.bug}')")
        return found

    def end(self) -> None: ...
