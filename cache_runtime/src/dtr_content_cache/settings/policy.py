"""What the cache does about a key of the registry's format: the vocabulary of the table in schema.py.

Rule for editors: an entry says *what*; the walk in reading.py is the only place that acts on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .reading_point import Point

Kind = Callable[[Point], Any]


@dataclass(frozen=True, slots=True)
class Honoured:
    """The key does what the registry's documentation says. `kind` turns what was written into a value, or raises
    Unwanted; `required` is what is wanted when the key is missing."""

    kind: Kind
    default: Any = None
    required: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The key has no effect here, and the operator is told `why`, unless its value is empty or one of `unless`."""

    why: str
    unless: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The key would change what is served in a way that this cache cannot follow: never start. The value is not shown.
    `even_empty`: its mere presence counts."""

    wanted: str
    even_empty: bool = True


@dataclass(frozen=True, slots=True)
class Accepted:
    """Without effect here and harmless: nothing is said, and nothing is checked."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping with exactly these keys. `unknown` refuses others (None: a warning names the nearest known key);
    `short`: a bare word `x` stands for `{x: {}}`, as in `storage: filesystem`."""

    keys: Mapping[str, Entry]
    unknown: Refused | None = None
    short: bool = False


@dataclass(frozen=True, slots=True)
class Each:
    """A list of mappings. `switch`: an item with `disabled: true` counts as not written."""

    item: Keys
    switch: bool = False


Entry = Honoured | Ignored | Refused | Accepted | Keys | Each
