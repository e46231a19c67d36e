"""The goals, and how far off each is. Pure: report in, verdicts out.

A goal is met where every cell of its line meets it, by medians; what is reported is the worst of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .figures import SMALLER_IS_BETTER, median_of, ratio
from .matrix import GIB, KIB, MIB, size_text

Cells = Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Goal:
    """`peer` "": `bound` is absolute, in the figure's own unit; else it is ours as a multiple of the peer's."""

    line: str
    kind: str
    scheme: str
    sizes: tuple[int, ...]
    clients: tuple[int, ...]
    figure: str
    peer: str
    bound: float

    @property
    def at_most(self) -> bool:
        return self.figure in SMALLER_IS_BETTER or self.figure == "upstream_bytes"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`worst`: the value of the cell that is furthest off, None where nothing was measured."""

    goal: Goal
    worst: float | None
    where: str

    @property
    def met(self) -> bool | None:
        if self.worst is None:
            return None
        return self.worst <= self.goal.bound if self.goal.at_most else self.worst >= self.goal.bound


_LARGE, _SMALL, _ANY = (MIB, 64 * MIB, GIB), (4 * KIB, 64 * KIB), (1, 16, 128)


def _hit(line: str, scheme: str, sizes: tuple[int, ...], clients: tuple[int, ...], figure: str, peer: str,
         bound: float) -> Goal:  # fmt: skip
    return Goal(line, "hit", scheme, sizes, clients, figure, peer, bound)


def _cold(line: str, kind: str, sizes: tuple[int, ...], clients: int, figure: str, peer: str, bound: float) -> Goal:
    return Goal(line, kind, "http", sizes, (clients,), figure, peer, bound)


_PULL, _HERD = "first pull", "herd of 32, cold 256 MiB"
_COLD_SIZES, _HERD_SIZE = (64 * MIB, GIB), (256 * MIB,)
GOALS = (
    _hit("hit ≥ 1 MiB, HTTP", "http", _LARGE, _ANY, "mb_per_s", "nginx", 1.0),
    _hit("hit ≥ 1 MiB, HTTP", "http", _LARGE, _ANY, "cpu_s_per_gb", "nginx", 1.1),
    _hit("hit ≥ 1 MiB, HTTP", "http", _LARGE, _ANY, "mb_per_s", "distribution", 1.5),
    _hit("hit ≥ 1 MiB, TLS", "https", _LARGE, _ANY, "mb_per_s", "nginx", 1.1),
    _hit("hit ≥ 1 MiB, TLS", "https", _LARGE, _ANY, "mb_per_s", "distribution", 1.3),
    _hit("hit 4 and 64 KiB, 16 and 128 clients", "http", _SMALL, (16, 128), "req_per_s", "distribution", 20.0),
    _hit("hit 4 and 64 KiB, 16 and 128 clients, at first", "http", _SMALL, (16, 128), "req_per_s", "nginx", 0.5),
    _hit("hit 4 and 64 KiB, 16 and 128 clients", "http", _SMALL, (16, 128), "req_per_s", "nginx", 1.0),
    _cold(_PULL, "miss", _COLD_SIZES, 1, "wall_s", "nginx-proxy-cache", 1.0),
    _cold(_PULL, "miss", _COLD_SIZES, 1, "cpu_s_per_gb", "nginx-proxy-cache", 1.1),
    _cold(_PULL, "miss", _COLD_SIZES, 1, "ttfb_ms", "nginx-proxy-cache", 1.0),
    _cold(_PULL, "miss", _COLD_SIZES, 1, "cpu_s_per_gb", "distribution-proxy", 0.5),
    _cold(_HERD, "herd", _HERD_SIZE, 32, "upstream_bytes", "", float(_HERD_SIZE[0])),
    _cold(_HERD, "herd", _HERD_SIZE, 32, "wall_s", "nginx-proxy-cache", 1.0),
    _cold(_HERD, "herd", _HERD_SIZE, 32, "wall_s", "distribution-proxy", 1 / 3),
    _cold(_HERD, "herd", _HERD_SIZE, 32, "ttfb_ms", "", 20.0),
    Goal("200 slow clients", "slow", "http", (64 * MIB,), (200,), "peak_rss_mb", "", 67.1),
    Goal("a large store: first byte after the start", "start", "http", (64,), (1,), "ttfb_ms", "", 1000.0),
    Goal("a large store", "start", "http", (64,), (1,), "peak_rss_mb", "", 200.0),
)


def judge(goal: Goal, cells: Cells) -> Verdict:
    found = [(value, where) for value, where in _values(goal, list(cells))]
    if not found:
        return Verdict(goal, None, "")
    worst = max(found) if goal.at_most else min(found)
    return Verdict(goal, *worst)


def _values(goal: Goal, cells: list[Mapping[str, Any]]) -> Iterable[tuple[float, str]]:
    for ours in cells:
        if not _belongs(goal, ours) or ours["server"] != "ours":
            continue
        where = f"{size_text(ours['size'])} × {ours['clients']}"
        if not goal.peer:
            value = median_of(ours, goal.figure)
        else:
            peers = [cell for cell in cells if cell["server"] == goal.peer and address(cell) == address(ours)]
            value = ratio(ours, peers[0], goal.figure) if peers else None
        if value is not None:
            yield value, where


def _belongs(goal: Goal, cell: Mapping[str, Any]) -> bool:
    fits = cell["kind"] == goal.kind and cell["scheme"] == goal.scheme and "variant" not in cell
    return fits and cell["size"] in goal.sizes and cell["clients"] in goal.clients


def address(cell: Mapping[str, Any]) -> tuple[str, str, int, int]:
    """What tells the cells of a report apart, but for the server."""
    return cell["kind"], cell["scheme"], cell["size"], cell["clients"]
