"""Collects everything that is wrong or odd about a configuration, so that one run tells all of it.

Owns the wording frame of a mistake (`<place>: <key path>: found …, wanted …`) and the order of the lines. It does not
know any key. Rule for editors: text from outside goes through `printable` or `shown` before it enters a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..values.failures import ConfigurationRefused

_SHOWN_CHARACTERS = 160
_LINES_LIMIT = 100


def printable(text: str, limit: int = _SHOWN_CHARACTERS) -> str:
    """`text` on one line of at most `limit` characters, whatever was in it."""
    line = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text[: limit + 1])
    return line[:limit] + "…" if len(line) > limit else line


def shown(text: str) -> str:
    """A value as a message may quote it: without credentials and query of a URL, and nothing of a pasted file."""
    if "\n" in text.strip():
        return "a text of several lines"
    without_credentials = re.sub(r"^(\w*://)?.*@", r"\1…@", text)
    return f"'{printable(re.sub(r'[?].*', '?…', without_credentials))}'"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written: a file (with a line, counted from 1; 0 = the file as a whole) or a variable."""

    source: str
    line: int = 0
    is_variable: bool = False

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source

    @property
    def order(self) -> tuple[bool, int, str]:
        return self.is_variable, self.line, self.source


class Report:
    """Mistakes stop the program, warnings do not. A key nobody knows is a warning, but is listed with the mistakes if
    there are any: a misspelt key is often their cause."""

    def __init__(self) -> None:
        self._mistakes: list[tuple[Place, str]] = []
        self._warnings: list[tuple[Place, str]] = []
        self._unknown: list[tuple[Place, str]] = []

    @property
    def mistakes_count(self) -> int:
        return len(self._mistakes)

    def mistake(self, place: Place, path: str, found: str, wanted: str) -> None:
        """`wanted` starts with "wanted", or with a clause about what was found ("which does not exist, wanted …")."""
        self._mistakes.append((place, f"{path}: found {found}, {wanted}"))

    def warn(self, place: Place, sentence: str) -> None:
        self._warnings.append((place, sentence))

    def unknown(self, place: Place, sentence: str) -> None:
        self._unknown.append((place, sentence))

    def warnings(self) -> tuple[str, ...]:
        return _lines(self._warnings + self._unknown)

    def raise_mistakes(self) -> None:
        if self._mistakes:
            raise ConfigurationRefused(_lines(self._mistakes + self._unknown))


def _lines(entries: list[tuple[Place, str]]) -> tuple[str, ...]:
    ordered = sorted(entries, key=lambda entry: entry[0].order)
    lines = tuple(dict.fromkeys(f"{place}: {text}" for place, text in ordered))
    more = len(lines) - _LINES_LIMIT
    return (*lines[:_LINES_LIMIT], f"{ordered[0][0].source}: and {more} more lines like these") if more > 0 else lines
