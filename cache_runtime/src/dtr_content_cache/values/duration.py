"""Durations as the registry's configuration format writes them (Go's time.ParseDuration)."""

from __future__ import annotations

import re
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
        text, sign = (value[1:], -1) if value.startswith("-") else (value, 1)
        position, nanoseconds = 0, Fraction(0)
        while position < len(text):
            part = _PART.match(text, position)
            if not part:
                raise ValueError(f"wanted {wanted}")
            nanoseconds += Fraction(part[1].rstrip(".") if part[1] != "." else "0") * _NANOSECONDS[part[2]]
            position = part.end()
        if not text:
            raise ValueError(f"wanted {wanted}")
        nanoseconds *= sign
    if abs(nanoseconds) > _LIMIT_NS:
        raise ValueError("wanted a duration below 292 years")
    return int(nanoseconds)


def say_seconds(seconds: float) -> str:
    """A duration for people: `1d 2h`, `3m 5s`, `250ms`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    parts, left = [], int(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return " ".join(parts[:2])
