"""Which tests a mistake is put to, in which order, and for how long.

Rule for editors: the order changes how soon a mistake is caught, never whether; only the time that is given may.
"""

from __future__ import annotations

from collections.abc import Iterator

from .judging import Case, Verdict
from .ledger import Ledger
from .mutants import Mutant
from .touched import Touched

_TESTED_FOR_S = 8.0  # of one mistake's tests: its room's own first, of those the ones that come to it, the quick first
_CATCHERS_KEPT = 4


class Orders:
    """The test that caught it before, those that caught its neighbours, then those of the room itself."""

    def __init__(self, touched: Touched, ledger: Ledger) -> None:
        self._touched = touched
        self._ledger = ledger
        self._catchers: dict[str, list[str]] = {}

    def case(self, mutant: Mutant) -> Case:
        touching = self._touched.by(mutant.file, mutant.lines) if mutant.scope else set()
        touching = touching or self._beside(self._touched.by_any_of(mutant.file))
        neighbours = self._catchers.get(f"{mutant.file} {mutant.scope}", [])
        first = [test for test in (self._ledger.last_catcher(mutant), *reversed(neighbours)) if test in touching]
        own = f"cache_runtime/tests/{mutant.room}/"
        there = self._touched.by(mutant.file, mutant.lines[-1:])  # not only as far as the condition above it
        rest = sorted(
            touching - set(first), key=lambda t: (not t.startswith(own), t not in there, self._touched.seconds[t], t)
        )
        return Case(mutant, list(self._within([*dict.fromkeys(first), *rest])), self._touched.seconds)

    def _beside(self, tests: set[str]) -> set[str]:
        """With those in the same files: one that only looks at a module's table, or at a default, runs through none of
        its lines."""
        files = {test.partition("::")[0] for test in tests}
        return {test for test in self._touched.seconds if test.partition("::")[0] in files}

    def _within(self, tests: list[str]) -> Iterator[str]:
        left_s = _TESTED_FOR_S
        for test in tests:
            yield test
            left_s -= self._touched.seconds[test]
            if left_s < 0:
                return

    def learn(self, case: Case, verdict: Verdict) -> None:
        if verdict.by in case.tests:
            catchers = self._catchers.setdefault(f"{case.mutant.file} {case.mutant.scope}", [])
            if verdict.by in catchers:
                catchers.remove(verdict.by)
            catchers.append(verdict.by)
            del catchers[:-_CATCHERS_KEPT]
