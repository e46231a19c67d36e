"""Bugs that are put in on purpose are caught, each by the test that is named for it: tests that test."""

from __future__ import annotations

import zlib

from ..campaign import Campaign, Found
from ..seeded import Greenhouse, Seed, read_seeds

_BEGINNINGS = 53  # as many as the table had once; fixed, so that a longer table moves no cycle


def place_of(base: str, number: int, bugs: int) -> int:
    """Which of so many bugs a cycle takes. A base begins anywhere among the first, and what was added to the table's
    end comes after them: a run that is resumed with a longer table leaves none out and takes none twice."""
    number %= bugs
    among = min(_BEGINNINGS, bugs)
    return (zlib.crc32(base.encode()) + number) % among if number < among else number


class SeededBugs(Campaign):
    """Each cycle takes another bug, by its seed alone."""

    name = "seeded bugs"
    promise = "Whoever breaks what the product rests on is told so by the test of that name"
    unit = "seeded bug"
    ci, full = 3, len(read_seeds())
    share = 6.0

    def begin(self) -> None:
        self._house = Greenhouse(self.place)
        self._seeds = read_seeds()
        self._looked_at = 0

    def cycle(self, seed: str) -> Found:
        found = Found()
        base, _, digits = seed.rpartition(":")
        number = int(digits)
        if number >= self._looked_at:
            self._house.look_at([self._bug(base, each) for each in range(number, number + self.ci)])
            self._looked_at = number + self.ci
        chosen = self._bug(base, number)
        said = self._house.judge(chosen, put_in=not self.without)
        found.count("bugs caught", not said)
        found.expect(not said, f"{said} (python -m endurance.seeded '{chosen.bug}')")
        return found

    def _bug(self, base: str, number: int) -> Seed:
        return self._seeds[place_of(base, number, len(self._seeds))]

    def end(self) -> None: ...
