"""What a campaign is: one promise, broken or kept by each of very many cycles, every cycle given by its seed alone.

Rule for editors: a cycle takes all its chances from its own `random.Random(seed)`, so that a failure replays, with the
cycles before it where they have one volume (`chapter`); what it finds is returned, never raised, so that one failure
does not hide the next.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


class CannotRun(Exception):
    """This machine lacks what the campaign needs; the text says what."""


def number_of(seed: str) -> int:
    """The cycle's, which a seed ends with after a colon."""
    return int(seed.rpartition(":")[2])


@dataclass
class Found:
    """`counts`: what was looked at, by name. `broken`: a sentence for each broken promise."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def count(self, name: str, number: int = 1) -> None:
        self.counts[name] += number

    def expect(self, kept: bool, otherwise: str) -> None:
        if not kept:
            self.broken.append(otherwise)


class Campaign(ABC):
    """`unit` names a cycle; `ci` and `full` are how many belong to a run inside `make test` and to a whole one. Where
    only the program can say how many are all, `begin` gives `full` its value.

    `chapter`: how many cycles build on each other, on a volume that goes on; the first of each begins with nothing.
    """

    name: str
    promise: str
    unit: str
    ci: int
    full: int
    chapter = 1
    share = 1.0  # of a limited time, beside that of the others
    turn_s = 60.0  # at a time
    teeth_in_ci = True  # False where being found out takes minutes

    def __init__(self, place: Path, without: str = "") -> None:
        """`place` is an empty folder of its own. `without`: the cache is crippled, and must be found out."""
        self.place = place
        self.without = without

    @classmethod
    def leading_to(cls, seed: str) -> list[str]:
        """The seeds of all cycles that a replay of `seed` runs: those of its chapter up to itself."""
        if cls.chapter == 1:
            return [seed]
        base, number = seed.rpartition(":")[0], number_of(seed)
        return [f"{base}:{one}" for one in range(number - number % cls.chapter, number + 1)]

    @abstractmethod
    def begin(self) -> None:
        """Before the first cycle. Raise CannotRun."""

    @abstractmethod
    def cycle(self, seed: str) -> Found:
        """One cycle."""

    @abstractmethod
    def end(self) -> None:
        """After the last cycle, also after a failed `begin`."""
