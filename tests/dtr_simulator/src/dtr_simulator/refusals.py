"""What ends the program before it listens.

Owns: the one exception for bad input at start-up. Does not own: what an HTTP client is told (failures.py).
Rule: one line for each mistake, worded `<where>: found …, wanted …`; never a secret in it.
"""

from __future__ import annotations

from collections.abc import Iterable


class Refused(Exception):
    """The input cannot be used. `mistakes`: all of them, one sentence each."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))
