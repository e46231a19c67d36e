"""The goals, and how far off each is. Pure: report in, verdicts out.

A goal is met where every cell of its line meets it, by medians; what is reported is the worst of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import reasons
from .figures import SMALLER_IS_BETTER, median_of
from .matrix import GIB, KIB, MIB, SMALLER_STORE, size_text


@dataclass(frozen=True, slots=True)
class Goal:
    """`peer` "": `bound` is absolute, in the figure's own unit; else it is ours as a multiple of the peer's, or with
    `peer` SMALLER_STORE of our own in the smallest store (`against`: its figure, where it is another one).
    `why`: what stands in the way, to be told where the goal is not met. `blobs`: only of stores that hold as many."""

    line: str
    kind: str
    scheme: str
    sizes: tuple[int, ...]
    clients: tuple[int, ...]
    figure: str
    peer: str
    bound: float
    why: reasons.Reason | None = None
    blobs: int = 0
    against: str = ""

    @property
    def at_most(self) -> bool:
        return self.figure in SMALLER_IS_BETTER or self.figure == "upstream_bytes"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`worst`: the value of the cell that is furthest off, None where nothing was measured. `low` and `high`: what
    it would be by the extremes of the rounds."""

    goal: Goal
    worst: float | None
    where: str
    low: float = 0.0
    high: float = 0.0

    @property
    def met(self) -> bool | None:
        if self.worst is None:
            return None
        return self.worst <= self.goal.bound if self.goal.at_most else self.worst >= self.goal.bound

    @property
    def within_the_noise(self) -> bool:
        """Could another round have decided otherwise?"""
        return self.worst is not None and self.low < self.goal.bound < self.high


_LARGE, _SMALL, _ANY = (MIB, 64 * MIB, GIB), (4 * KIB, 64 * KIB), (1, 16, 128)


def _hit(line: str, scheme: str, sizes: tuple[int, ...], clients: tuple[int, ...], figure: str, peer: str,
         bound: float, why: reasons.Reason | None = None) -> Goal:  # fmt: skip
    return Goal(line, "hit", scheme, sizes, clients, figure, peer, bound, why)


def _cold(line: str, kind: str, sizes: tuple[int, ...], clients: int, figure: str, peer: str, bound: float,
          why: reasons.Reason | None = None) -> Goal:  # fmt: skip
    return Goal(line, kind, "http", sizes, (clients,), figure, peer, bound, why)


def _million(what: str, figure: str, peer: str, bound: float, against: str = "") -> Goal:
    """Latency is unchanged where a tenth more is noise."""
    why = reasons.larger_store if peer else None
    line = f"a million blobs: {what}"
    return Goal(line, "start", "http", (64,), (1,), figure, peer, bound, why, blobs=1_000_000, against=against)


_PULL, _HERD = "first pull", "herd of 32, cold 256 MiB"
_COLD_SIZES, _HERD_SIZE = (64 * MIB, GIB), (256 * MIB,)
GOALS = (
    _hit("hit ≥ 1 MiB, HTTP", "http", _LARGE, _ANY, "mb_per_s", "nginx", 1.0, reasons.large_hit),
    _hit("hit ≥ 1 MiB, HTTP", "http", _LARGE, _ANY, "cpu_s_per_gb", "nginx", 1.1, reasons.large_hit),
    _hit("hit ≥ 1 MiB, HTTP", "http", _LARGE, _ANY, "mb_per_s", "distribution", 1.5),
    _hit("hit ≥ 1 MiB, TLS", "https", _LARGE, _ANY, "mb_per_s", "nginx", 1.1),
    _hit("hit ≥ 1 MiB, TLS", "https", _LARGE, _ANY, "mb_per_s", "distribution", 1.3, reasons.one_processor),
    _hit(
        "hit 4 and 64 KiB, 16 and 128 clients",
        "http",
        _SMALL,
        (16, 128),
        "req_per_s",
        "distribution",
        20.0,
        reasons.small_hit,
    ),
    _hit(
        "hit 4 and 64 KiB, 16 and 128 clients, at first",
        "http",
        _SMALL,
        (16, 128),
        "req_per_s",
        "nginx",
        0.5,
        reasons.small_hit,
    ),
    _hit(
        "hit 4 and 64 KiB, 16 and 128 clients", "http", _SMALL, (16, 128), "req_per_s", "nginx", 1.0, reasons.small_hit
    ),
    _cold(_PULL, "miss", _COLD_SIZES, 1, "wall_s", "nginx-proxy-cache", 1.0, reasons.hashing),
    _cold(_PULL, "miss", _COLD_SIZES, 1, "cpu_s_per_gb", "nginx-proxy-cache", 1.1, reasons.hashing),
    _cold(_PULL, "miss", _COLD_SIZES, 1, "ttfb_ms", "nginx-proxy-cache", 1.0, reasons.before_the_first_byte),
    _cold(_PULL, "miss", _COLD_SIZES, 1, "cpu_s_per_gb", "distribution-proxy", 0.5, reasons.hashing),
    _cold(_HERD, "herd", _HERD_SIZE, 32, "upstream_bytes", "", float(_HERD_SIZE[0])),
    _cold(_HERD, "herd", _HERD_SIZE, 32, "wall_s", "nginx-proxy-cache", 1.0, reasons.moving),
    _cold(_HERD, "herd", _HERD_SIZE, 32, "wall_s", "distribution-proxy", 1 / 3, reasons.moving),
    _cold(_HERD, "herd", _HERD_SIZE, 32, "ttfb_ms", "", 20.0, reasons.many_heads),
    Goal("200 slow clients", "slow", "http", (64 * MIB,), (200,), "peak_rss_mb", "", 67.1),
    _million("first byte after the start", "start_ms", "", 1000.0),
    _million("hits at rest", "p50_ms", SMALLER_STORE, 1.1),
    _million("hits during a sweep", "sweep_p50_ms", SMALLER_STORE, 1.1, against="p50_ms"),
    _million("memory", "peak_rss_mb", "", 200.0),
)


def judge(goal: Goal, report: Mapping[str, Any]) -> Verdict:
    found = [Verdict(goal, *value) for value in _values(goal, report)]
    if not found:
        return Verdict(goal, None, "")
    worst = max if goal.at_most else min
    return worst(found, key=lambda verdict: verdict.worst or 0.0)


def _values(goal: Goal, report: Mapping[str, Any]) -> Iterable[tuple[float, str, float, float]]:
    """(value, where, by the extremes of the rounds at least, at most) of each cell that belongs to the goal."""
    for ours in report["cells"]:
        if not _belongs(goal, ours) or ours["server"] != "ours":
            continue
        own = _range(ours, goal.figure)
        other = _range(_peer(goal, ours, report), goal.against or goal.figure) if goal.peer else (1.0, 1.0, 1.0)
        if own is not None and other is not None and min(other) > 0:
            where = f"{size_text(ours['size'])} × {ours['clients']}"
            yield own[1] / other[1], where, own[0] / other[2], own[2] / other[0]


def _peer(goal: Goal, ours: Mapping[str, Any], report: Mapping[str, Any]) -> Mapping[str, Any]:
    """Empty where it was not measured."""
    if goal.peer == SMALLER_STORE:
        stores = [cell for cell in report["more"] if cell.get("variant") == SMALLER_STORE]
        return min(stores, key=lambda cell: int(cell["blobs"]), default={})
    same = [cell for cell in report["cells"] if cell["server"] == goal.peer and address(cell) == address(ours)]
    return same[0] if same else {}


def _range(cell: Mapping[str, Any], figure: str) -> tuple[float, float, float] | None:
    """(smallest, median, largest); all the same where a figure has no spread."""
    middle = median_of(cell, figure)
    if middle is None:
        return None
    value = cell[figure]
    return (value["min"], middle, value["max"]) if isinstance(value, dict) else (middle, middle, middle)


def _belongs(goal: Goal, cell: Mapping[str, Any]) -> bool:
    fits = cell["kind"] == goal.kind and cell["scheme"] == goal.scheme and "variant" not in cell
    return (
        fits
        and cell["size"] in goal.sizes
        and cell["clients"] in goal.clients
        and cell.get("blobs", 0) >= goal.blobs
    )  # fmt: skip


def address(cell: Mapping[str, Any]) -> tuple[str, str, int, int]:
    """What tells the cells of a report apart, but for the server."""
    return cell["kind"], cell["scheme"], cell["size"], cell["clients"]
