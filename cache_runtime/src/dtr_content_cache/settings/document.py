"""A YAML text as a tree of nodes that remember where they were written.

Owns what is built of YAML: scalars, lists and mappings only, each key once, and a bound on what aliases expand to. It
does not know any key. Rule for editors: no message quotes the text, because it may be a secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from .dialect import DEPTH_LIMIT, TAG, Malformed, compose, malformed
from .report import Place, Report, printable

_NODES_LIMIT = 20_000


__all__ = ["Malformed", "Node", "parse"]


@dataclass(slots=True)
class Node:
    """`value` is None, bool, int, float, str, a list of nodes or a mapping of nodes; `text` a scalar as written.

    A node in a mapping has the place of its key: that is the line a person looks for.
    """

    value: bool | int | float | str | list[Node] | dict[str, Node] | None
    place: Place
    text: str = ""


def parse(text: str, source: str, report: Report, *, variable_path: str = "") -> Node:
    """The only document of `text`. Raise Malformed; a key written twice goes to `report` and its first value stays.

    `variable_path`: `source` is a variable, and its value stands at this key path.
    """
    return _Conversion(source, report, bool(variable_path)).node(compose(text), variable_path, 0)


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
        if self._left < 0 or depth > DEPTH_LIMIT:
            raise malformed(node.start_mark, f"more than {_NODES_LIMIT} values, or aliases without an end")
        if isinstance(node, yaml.MappingNode) and node.tag == TAG + "map":
            return Node(self._mapping(node, path, depth), self.place(node))
        if isinstance(node, yaml.SequenceNode) and node.tag == TAG + "seq":
            items = [self.node(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
            return Node(items, self.place(node))
        return Node(_scalar(node), self.place(node), node.value)

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in node.value:
            if key.tag == TAG + "merge":
                for entry_key, entry in self._merged(value, path, depth):
                    merged.setdefault(entry_key, entry)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise malformed(key.start_mark, "a key that is a list or a mapping")
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
                raise malformed(value.start_mark, "a merge (<<) of something that is not a mapping")
            yield from converted.items()


def _scalar(node: yaml.Node) -> bool | int | float | str | None:
    text: str = node.value if isinstance(node, yaml.ScalarNode) else ""
    try:
        match node.tag.removeprefix(TAG):
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
        raise malformed(node.start_mark, "a value that does not fit its tag") from None
    raise malformed(node.start_mark, "a tag (!name), which a configuration does not need; such a value needs quotes")
