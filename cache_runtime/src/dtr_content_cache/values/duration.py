"""Durations as the registry's configuration format writes them (Go's time.ParseDuration)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_LIMIT_NS = 2**63 - 1
_LENGTH_LIMIT_CHARACTERS = 64


def parse_duration_ns(value: int | str) -> int:
    """Nanoseconds of `24h`, `1h30m`, `1.5s`, or of a bare integer, which *is* nanoseconds (as in Go).

    Raise ValueError, worded for a person, for anything else; zero and negative values are left to the caller.
    """
    wanted = "a duration such as 24h, 90m or 1h30m (units ns, us, ms, s, m, h; a bare integer is nanoseconds)"
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"wanted {wanted}")
    if isinstance(value, int):
        nanoseconds = Fraction(value)
    else:
        unsigned = value[1:] if value.startswith(("+", "-")) else value
        parts = list(_parts(unsigned))
        if unsigned != "0" and (not parts or "".join(number + unit for number, unit in parts) != unsigned):
            raise ValueError(f"wanted {wanted}")
        nanoseconds = sum((Fraction(number.rstrip(".")) * _NANOSECONDS[unit] for number, unit in parts), Fraction(0))
        nanoseconds *= -1 if value.startswith("-") else 1
    if abs(nanoseconds) > _LIMIT_NS:
        raise ValueError("wanted a duration below 292 years")
    return int(nanoseconds)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """The (number, unit) pairs from the start of `text` on, as far as they go."""
    position = 0
    while len(text) <= _LENGTH_LIMIT_CHARACTERS and (part := _PART.match(text, position)):
        yield part[1], part[2]
        position = part.end()


def say_seconds(seconds: float) -> str:
    """A duration for people: `1d 2h`, `3m 5s`, `250ms`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    parts, left = [], max(1, int(seconds))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return " ".join(parts[:2])
