"""The walk along schema and document together: typed values out, mistakes and warnings into the report.

Owns acting on the policies. Rules that need two keys are in rules.py. Rule for editors: a broken value is replaced by
its default and remembered as broken, so that one mistake does not look like three."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .document import Node
from .nearest import hint
from .policy import Accepted, Each, Entry, Honoured, Ignored, Keys, Refused
from .reading_point import Point, Unwanted
from .report import Report


class Section:
    """What was read from one mapping. `section[key]` is the value, the default, a Section, or a list of Sections."""

    def __init__(self, at: Point) -> None:
        self.at = at
        self.values: dict[str, Any] = {}
        self.points: dict[str, Point] = {}  # of the keys that were written
        self.broken: set[str] = set()
        self.refused_unknown: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def given(self, key: str) -> bool:
        """Written by the operator, and not already reported."""
        return key in self.points and key not in self.broken

    def mistake(self, key: str, found: str, wanted: str) -> None:
        """A mistake at `key`, or, where the key was not written, at the section that lacks it."""
        point = self.points.get(key)
        place = point.node.place if point else self.at.node.place
        self.at.report.mistake(place, f"{self.at.path}.{key}" if self.at.path else key, found, wanted)


def read(schema: Keys, at: Point, *, demanded: bool = True) -> Section:
    """`demanded` False: do not ask for missing keys, because what should hold them is broken and already reported."""
    section = Section(at)
    entries = _entries(schema, at)
    for key, point in (entries or {}).items():
        if key not in schema.keys:
            _unknown(schema, key, point, section)
    for key, entry in schema.keys.items():
        written = (entries or {}).get(key)
        before = at.report.mistakes_count
        if written is not None:
            section.points[key] = written
        section.values[key] = _value(entry, written, key, at, demanded=demanded and entries is not None)
        if entries is None or at.report.mistakes_count > before:
            section.broken.add(key)
    return section


def _entries(schema: Keys, at: Point) -> dict[str, Point] | None:
    """The points by key; None, and a mistake, if this is no mapping."""
    node = at.node
    if schema.short and isinstance(node.value, str) and node.value:
        node = Node({node.value: Node({}, node.place)}, node.place)
    try:
        return Point(node, at.path, at.report, at.now).entries("wanted a mapping of keys to values")
    except Unwanted as error:
        at.refuse(Unwanted(str(error), "a text" if isinstance(node.value, str) else at.found))
        return None


def _unknown(schema: Keys, key: str, at: Point, section: Section) -> None:
    clause = hint(key, schema)
    if schema.unknown:
        section.refused_unknown.add(key)
        at.refuse(Unwanted(schema.unknown.wanted, "an unknown key" + (f" ({clause})" if clause else "")))
    else:
        sentence = f"{at.path} is not a key of this format and is ignored{'; ' if clause else ''}{clause}."
        at.report.unknown(at.node.place, sentence)


def _value(entry: Entry, written: Point | None, key: str, parent: Point, *, demanded: bool) -> Any:
    if isinstance(entry, Keys | Each):
        point = written or parent.below(key, Node(None, parent.node.place))
        return read(entry, point, demanded=demanded) if isinstance(entry, Keys) else list(_each(entry, point))
    if isinstance(entry, Honoured):
        return _honoured(entry, written, key, parent, demanded)
    if written is not None:
        _obey(entry, written)
    return None


def _each(entry: Each, at: Point) -> Iterator[Section]:
    try:
        points = at.items("wanted a list")
    except Unwanted as error:
        at.refuse(error)
        return
    for point in points:
        if entry.switch and isinstance(point.node.value, dict):
            switch = point.node.value.get("disabled")
            if switch is not None and switch.value is True:
                continue
        yield read(entry.item, point)


def _honoured(entry: Honoured, written: Point | None, key: str, parent: Point, demanded: bool) -> Any:
    if written is None:
        if entry.required and demanded:
            parent.below(key, Node(None, parent.node.place)).refuse(Unwanted(f"wanted {entry.required}"))
        return entry.default
    try:
        return entry.kind(written)
    except ValueError as error:
        written.refuse(error)
        return entry.default


def _obey(entry: Ignored | Refused | Accepted, at: Point) -> None:
    match entry:
        case Refused(wanted, even_empty) if even_empty or not _is_empty(at.node):
            at.refuse(Unwanted(wanted, "one"))
        case Ignored(why, unless) if not _is_empty(at.node) and at.node.value not in unless:
            at.warn(f"is ignored: {why}.")


def _is_empty(node: Node) -> bool:
    match node.value:
        case list():
            return all(_is_empty(item) for item in node.value)
        case dict():
            return all(_is_empty(item) for item in node.value.values())
        case _:
            return node.value is None or node.value == ""


def root(node: Node, report: Report, now: float) -> Point:
    return Point(node, "", report, now)
