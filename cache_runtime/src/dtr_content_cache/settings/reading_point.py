"""One value of the document together with its key path and the report: what a kind gets to judge.

Rule for editors: a kind raises Unwanted with a clause; it never builds the whole line itself."""

from __future__ import annotations

from dataclasses import dataclass

from .document import Node
from .report import Report, printable, shown


class Unwanted(ValueError):
    """`str()` starts with "wanted" or with a clause about the value ("which does not exist, wanted …"). `found`
    replaces the quoted value where that would mislead or must not be shown."""

    def __init__(self, wanted: str, found: str = "") -> None:
        super().__init__(wanted)
        self.found = found


@dataclass(frozen=True, slots=True)
class Point:
    node: Node
    path: str
    report: Report
    now: float  # seconds since the epoch, for certificates

    @property
    def found(self) -> str:
        """The value for a message."""
        match self.node.value:
            case None:
                return "nothing"
            case list():
                return "a list"
            case dict():
                return "a mapping"
            case str():
                return shown(self.node.text) if self.node.text else "an empty text"
            case _:
                return shown(self.node.text)[1:-1]

    def refuse(self, error: ValueError) -> None:
        found = error.found if isinstance(error, Unwanted) and error.found else self.found
        self.report.mistake(self.node.place, self.path, found, str(error))

    def warn(self, predicate: str) -> None:
        """`predicate` goes on after the key path: "is ignored: …"."""
        self.report.warn(self.node.place, f"{self.path} {predicate}")

    def items(self, wanted: str) -> list[Point]:
        """The points of a list; nothing at all counts as an empty one."""
        if self.node.value is None:
            return []
        if not isinstance(self.node.value, list):
            raise Unwanted(wanted)
        return [
            Point(node, f"{self.path}[{index}]", self.report, self.now) for index, node in enumerate(self.node.value)
        ]

    def entries(self, wanted: str) -> dict[str, Point]:
        """The points of a mapping by key; nothing at all counts as an empty one."""
        if self.node.value is None:
            return {}
        if not isinstance(self.node.value, dict):
            raise Unwanted(wanted)
        return {key: self.below(key, node) for key, node in self.node.value.items()}

    def below(self, key: str, node: Node) -> Point:
        path = f"{self.path}.{printable(key)}" if self.path else printable(key)
        return Point(node, path, self.report, self.now)
