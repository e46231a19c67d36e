"""What was served on each day: sums, and the document that they are kept in. Pure.

Owns what a day's figures are and how two accounts of the same days are added. When they are written, and where, is
`day_book`. Rule for editors: whatever is in the document, reading it gives days or nothing, never a failure.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass

from prometheus_client.core import Metric

DAYS_KEPT = 14
_COUNT_LIMIT = 1 << 63  # more than anybody serves; without any, a sum could have more digits than Python writes
_SAMPLES = (
    "registry_proxy_requests_total",
    "registry_proxy_hits_total",
    "registry_proxy_pushed_bytes_total",
    "dtr_cache_hit_bytes_total",
)


@dataclass(frozen=True, slots=True)
class Served:
    """Requests for blobs and those that were hits; bytes sent for them, and those that came from disk."""

    requests: int = 0
    hits: int = 0
    sent_bytes: int = 0
    hit_bytes: int = 0

    def __add__(self, other: Served) -> Served:
        return Served(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Served) -> Served:
        return Served(*(mine - theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


Days = Mapping[str, Served]  # by day, "2026-11-24", UTC


def served_so_far(families: Iterable[Metric]) -> Served:
    """Out of the metrics' own counters, so that the page and a dashboard never disagree."""
    found = {sample.name: int(sample.value) for family in families for sample in family.samples}
    return Served(*(found.get(name, 0) for name in _SAMPLES))


def day_of(wall_s: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(wall_s))


def added(one: Days, other: Days) -> dict[str, Served]:
    """The latest DAYS_KEPT days of both together, in order."""
    every = sorted(one.keys() | other.keys())[-DAYS_KEPT:]
    return {day: one.get(day, Served()) + other.get(day, Served()) for day in every}


def written(days: Days) -> bytes:
    return json.dumps({day: astuple(served) for day, served in days.items()}, indent=0).encode()


def read(document: bytes | None) -> dict[str, Served]:
    """What `written` gave; no days out of anything else."""
    try:
        found = json.loads(document or b"{}")
        days = {_day(day): Served(*map(_count, figures)) for day, figures in found.items() if len(figures) == 4}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return added(days, {})


def _day(text: str) -> str:
    if time.strftime("%Y-%m-%d", time.strptime(text, "%Y-%m-%d")) != text:
        raise ValueError("a day that is written in another way")
    return text


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < _COUNT_LIMIT:
        raise ValueError("wanted a count")
    return value
