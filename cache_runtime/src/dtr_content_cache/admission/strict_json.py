"""JSON objects read so that no two readers can disagree about them.

Rule for editors: repeated member names, NaN and Infinity, other encodings than UTF-8 and endless nesting are errors,
because another implementation would read such a text differently.
"""

from __future__ import annotations

import json
from typing import Any


def parse_object(data: bytes) -> dict[str, Any]:
    """The members of a JSON object. Raise ValueError, with a few words of what was found, for everything else."""
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("text that is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"text that is not JSON (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {_kind(value)}")
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("JSON with a repeated member name")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"JSON with {name}, which is no number")


def _bounded_int(digits: str) -> int:
    # Python refuses to read integers of thousands of digits, with a message about the interpreter.
    if len(digits) > 20:
        raise ValueError("JSON with an integer of more than 20 characters")
    return int(digits)


def _kind(value: Any) -> str:
    return {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(value), "number")


# Made once: json.loads would build one for each call.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique_members, parse_constant=_no_constant, parse_int=_bounded_int)
