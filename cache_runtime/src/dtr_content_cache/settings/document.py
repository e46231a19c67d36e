"""A YAML text as a tree of nodes that remember where they were written.

Owns reading YAML safely: scalars, lists and mappings only, each key once, and bounds on size, depth and what aliases
expand to. It does not know any key. Rule for editors: no message quotes the text, because it may be a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from .report import Place, Report, printable

SIZE_LIMIT_BYTES = 128 * 1024
_DEPTH_LIMIT = 32
_NODES_LIMIT = 20_000
_TAG = "tag:yaml.org,2002:"


@dataclass(slots=True)
class Node:
    """`value` is None, bool, int, float, str, a list of nodes or a mapping of nodes; `text` a scalar as written.

    A node in a mapping has the place of its key: that is the line a person looks for.
    """

    value: bool | int | float | str | list[Node] | dict[str, Node] | None
    place: Place
    text: str = ""


class Malformed(Exception):
    """Not YAML, or more than the bounds allow. `line` and `column` count from 1; `problem` is a clause."""

    def __init__(self, line: int, column: int, problem: str) -> None:
        super().__init__(f"line {line}, column {column}: {problem}")
        self.line, self.column, self.problem = line, column, problem


class _Yaml(Reader, Scanner, Parser, Composer, BaseResolver):
    """YAML 1.1 as Go's yaml.v2 reads it, without dates, base-60 numbers and octals, which nobody means here."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise _malformed(self.peek_event().start_mark, f"it is nested deeper than {_DEPTH_LIMIT} levels")
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", list("yYnNtTfFoO")),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,30})|0x[0-9a-fA-F]{1,30}", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", list("-+0123456789.")),
    ("merge", r"<<", ["<"]),
):
    _Yaml.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})\Z"), _first)


def parse(text: str, source: str, report: Report, *, variable_path: str = "") -> Node:
    """The only document of `text`. Raise Malformed; a key written twice goes to `report` and its first value stays.

    `variable_path`: `source` is a variable, and its value stands at this key path.
    """
    try:
        root = _Yaml(text).get_single_node()
        return _Conversion(source, report, bool(variable_path)).node(root, variable_path, 0)
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1
        raise Malformed(line, column, "a control character or broken text, as in a binary file") from None
    except yaml.MarkedYAMLError as error:
        raise _malformed(error.problem_mark, _problem(error)) from None


def _malformed(mark: yaml.Mark | None, problem: str) -> Malformed:
    return Malformed(mark.line + 1, mark.column + 1, problem) if mark else Malformed(1, 1, problem)


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "not understood"
    if "single document" in (error.context or ""):
        return "a second document starts here"
    if "undefined alias" in problem:
        return "an alias (*name) without its anchor; a value that starts with * needs quotes"
    if r"'\t'" in problem:
        return "a tab; YAML indents with spaces"
    quoted = re.sub(r"'([^']*)'", lambda match: match[0] if _is_syntax(match[1]) else "something else", problem)
    return quoted.removeprefix("found ")


def _is_syntax(quoted: str) -> bool:
    return len(quoted) == 1 or quoted.startswith(("<", "\\"))


class _Conversion:
    """From PyYAML's graph (aliases share nodes) to our tree, counting what it grows to."""

    def __init__(self, source: str, report: Report, is_variable: bool) -> None:
        self._source, self._report, self._is_variable = source, report, is_variable
        self._left = _NODES_LIMIT

    def place(self, node: yaml.Node) -> Place:
        return Place(self._source, 0 if self._is_variable else node.start_mark.line + 1, self._is_variable)

    def node(self, node: yaml.Node | None, path: str, depth: int) -> Node:
        if node is None:
            return Node(None, Place(self._source, 0, self._is_variable))
        self._left -= 1
        if self._left < 0 or depth > _DEPTH_LIMIT:
            raise _malformed(node.start_mark, f"more than {_NODES_LIMIT} values, or aliases without an end")
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return Node(self._mapping(node, path, depth), self.place(node))
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            items = [self.node(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
            return Node(items, self.place(node))
        return Node(_scalar(node), self.place(node), node.value)

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                for entry_key, entry in self._merged(value, path, depth):
                    merged.setdefault(entry_key, entry)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise _malformed(key.start_mark, "a key that is a list or a mapping")
            key_path = f"{path}.{printable(key.value)}" if path else printable(key.value)
            if key.value in entries:
                first = entries[key.value].place.line
                found = f"it a second time (first on line {first})" if first else "it a second time"
                self._report.mistake(self.place(key), key_path, found, "wanted each key once")
                continue
            entry = self.node(value, key_path, depth + 1)
            entry.place = self.place(key)
            entries[key.value] = entry
        return {**merged, **entries}

    def _merged(self, value: yaml.Node, path: str, depth: int) -> Iterator[tuple[str, Node]]:
        for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            converted = self.node(source, path, depth + 1).value
            if not isinstance(converted, dict):
                raise _malformed(value.start_mark, "a merge (<<) of something that is not a mapping")
            yield from converted.items()


def _scalar(node: yaml.Node) -> bool | int | float | str | None:
    text: str = node.value if isinstance(node, yaml.ScalarNode) else ""
    try:
        match node.tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}[text.lower()]
            case "int":
                return int(text, 16 if text.startswith("0x") else 10)
            case "float":
                return float(text)
            case "str" | "merge" if isinstance(node, yaml.ScalarNode):
                return text
    except (KeyError, ValueError):
        raise _malformed(node.start_mark, "a value that does not fit its tag") from None
    raise _malformed(node.start_mark, "a tag (!name), which a configuration does not need; such a value needs quotes")
