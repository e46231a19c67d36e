"""Which known key may have been meant by an unknown one: a neighbour spelt alike, or the same word at another level."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from .policy import Each, Entry, Honoured, Keys
from .schema import DOWNSTREAM_OPTIONS, SCHEMA

_OPTIONS_PATH = "middleware.registry[].options"


def hint(key: str, keys: Keys) -> str:
    """A clause such as `the nearest known key is addr`, or nothing where none is near."""
    word = key.lower()[:64]
    elsewhere = [path for path in _PATHS if path.rpartition(".")[2] == word]
    if len(elsewhere) == 1 and word not in keys.keys:
        return f"that key belongs at {elsewhere[0]}"
    near = _near(word, list(keys.keys))
    return f"the nearest known key is {near}" if near else ""


def _near(word: str, known: list[str]) -> str:
    if len(word) > 1:
        known_by_length = sorted(known, key=len)
        for name in known_by_length:
            if name.startswith(word) or (len(word) > 2 and name.endswith(word)):
                return name
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.65)), "")


def _paths(entry: Entry, path: str) -> Iterator[str]:
    if isinstance(entry, Each):
        yield from _paths(entry.item, path + "[]")
    elif isinstance(entry, Keys):
        for key, below in entry.keys.items():
            if isinstance(below, Keys | Each | Honoured):
                yield f"{path}.{key}".lstrip(".")
            yield from _paths(below, f"{path}.{key}".lstrip("."))


_OPTIONS = tuple(_paths(DOWNSTREAM_OPTIONS, _OPTIONS_PATH))
# A key that each registry may have, too, belongs where it counts for all of them.
_REPEATED = {path for path in _OPTIONS if "registries[]." in path and path.replace("registries[].", "") in _OPTIONS}
_PATHS = (*_paths(SCHEMA, ""), *(path for path in _OPTIONS if path not in _REPEATED))
