"""Sizes of storage: `200GB` counts in thousands, `1TiB` in 1024s, as disks and people do."""

from __future__ import annotations

import re
from fractions import Fraction

_UNITS = {"": 1, "B": 1}
for _power, _letter in enumerate("KMGTP", start=1):
    _UNITS[_letter + "B"] = 1000**_power
    _UNITS[_letter + "iB"] = 1024**_power
_UNITS["kB"] = 1000
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kKMGTP]?i?B|)")


def parse_size_bytes(value: int | str) -> int:
    """Bytes of `200GB`, `1TiB`, `512MiB` or of a bare number. Raise ValueError, worded for a person, otherwise."""
    wanted = "a size such as 200GB or 1TiB"
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"wanted {wanted}")
    match = _SIZE.fullmatch(str(value))
    if not match or match[2] not in _UNITS:
        raise ValueError(f"wanted {wanted}")
    return int(Fraction(match[1]) * _UNITS[match[2]])


def say_bytes(count: float) -> str:
    """A size for people: `312 B`, `4.2 MB`."""
    if count < 999.5:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        count /= 1000
        if count < 999.95 or unit == "PB":
            return f"{count:.1f} {unit}"
    raise AssertionError("unreachable")
