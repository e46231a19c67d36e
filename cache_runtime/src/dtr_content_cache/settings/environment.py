"""`REGISTRY_…` variables laid over the document, as the registry does: `REGISTRY_HTTP_ADDR` is `http.addr`.

Owns names and values of variables. It does not judge values: a node that comes from a variable carries its name as its
place, so the walk in reading.py reports it. Rule for editors: values are never quoted here, they may be secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .document import Malformed, Node, parse
from .nearest import hint
from .policy import Each, Entry, Keys
from .report import Place, Report, printable

_PREFIX = "REGISTRY_"
_NO_KEY = frozenset(["REGISTRY_CONFIGURATION_PATH"])


def overlay(document: Node, environ: Mapping[str, str], schema: Keys, report: Report) -> None:
    """Change `document` in place. Shorter names first and numbers in their order, so that lists grow one by one."""
    names = [name for name in environ if name.startswith(_PREFIX) and name not in _NO_KEY]
    for name in sorted(names, key=_order):
        steps = name[len(_PREFIX) :].lower().split("_")
        place = Place(printable(name), is_variable=True)
        if (clause := _unknown_step(schema, steps)) is not None:
            nearest = f"; {clause}" if clause else ""
            report.unknown(place, f"this variable names no key of the configuration format and is ignored{nearest}.")
            continue
        value = _parse(environ[name], place, ".".join(steps), report)
        if value is not None:
            _put(document, schema, steps, value, report)


def _order(name: str) -> list[tuple[int, str]]:
    return [(int(step), "") if re.fullmatch("[0-9]{1,9}", step) else (-1, step) for step in name.split("_")]


def _unknown_step(entry: Entry | None, steps: list[str]) -> str | None:
    """None if the schema knows the way (below a leaf everything goes), else a clause about the nearest key, or ""."""
    for step in steps:
        if isinstance(entry, Each):
            entry = entry.item
            continue
        if not isinstance(entry, Keys):
            return None
        if step not in entry.keys:
            return hint(step, entry)
        entry = entry.keys[step]
    return None


def _parse(text: str, place: Place, path: str, report: Report) -> Node | None:
    try:
        return parse(text, place.source, report, variable_path=path)
    except Malformed as error:
        report.mistake(place, path, f"a value that is not YAML ({error.problem})", "wanted YAML; quotes often help")
        return None


def _put(document: Node, schema: Keys, steps: list[str], value: Node, report: Report) -> None:
    """Walk to the container that `steps` name, making what is missing on the way, and set the value there."""
    node, walked = document, ""
    entry: Entry | None = schema
    for step in steps[:-1]:
        _open(node, entry, step, value.place)
        following = _child(node, step, value.place, walked, report)
        if following is None:
            return
        walked = f"{walked}[{step}]" if isinstance(node.value, list) else f"{walked}.{step}".lstrip(".")
        node, entry = following, _below(entry, step)
    _open(node, entry, steps[-1], value.place)
    if _child(node, steps[-1], value.place, walked, report) is not None:
        _set(node, steps[-1], value)


def _child(node: Node, step: str, place: Place, walked: str, report: Report) -> Node | None:
    if isinstance(node.value, list):
        return _item(node.value, step, place, walked, report)
    if isinstance(node.value, dict):
        return node.value.setdefault(step, Node(None, place))
    report.unknown(place, f"this variable names a key below {walked}, which is a single value, and is ignored.")
    return None


def _open(node: Node, entry: Entry | None, step: str, place: Place) -> None:
    """Make a container of a node that has nothing yet, or of the short form (`storage: filesystem`)."""
    if isinstance(entry, Keys) and entry.short and isinstance(node.value, str):
        node.value = {node.value: Node({}, node.place)}
    if node.value is None:
        is_list = isinstance(entry, Each) or (not isinstance(entry, Keys) and step.isdecimal())
        node.value, node.place = ([] if is_list else {}), place


def _item(items: list[Node], step: str, place: Place, walked: str, report: Report) -> Node | None:
    if not re.fullmatch("[0-9]{1,9}", step) or int(step) > len(items):
        wanted = f"wanted a number from 0 to {len(items)}"
        report.mistake(place, walked, f"the list index '{printable(step)}'", wanted)
        return None
    if int(step) == len(items):
        items.append(Node(None, place))
    return items[int(step)]


def _set(node: Node, step: str, value: Node) -> None:
    if isinstance(node.value, list):
        node.value[int(step)] = value
    elif isinstance(node.value, dict) and value.value is None:
        node.value.pop(step, None)  # an empty variable unsets the key
    elif isinstance(node.value, dict):
        node.value[step] = value


def _below(entry: Entry | None, step: str) -> Entry | None:
    if isinstance(entry, Each):
        return entry.item
    return entry.keys.get(step) if isinstance(entry, Keys) else None
