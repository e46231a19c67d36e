"""What got slower since the last report. Pure.

Two runs on different days are on different machines, even on the same one. So not ours then and ours now are compared,
but ours to its peer then and ours to its peer now; and only what lies outside both runs' spread counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .figures import SMALLER_IS_BETTER, median_of, ratio
from .goals import address
from .matrix import size_text

NOISE = 0.15  # a ratio that moves less than this says nothing
_FIGURES = {
    "hit": ("mb_per_s", "cpu_s_per_gb", "p99_ms"),
    "miss": ("wall_s", "cpu_s_per_gb", "ttfb_ms"),
    "herd": ("wall_s", "cpu_s_per_gb", "ttfb_ms"),
    "slow": ("peak_rss_mb",),
    "start": ("start_ms", "p99_ms", "peak_rss_mb"),
}
_PEERS = ("nginx", "nginx-proxy-cache")


def slower(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """A sentence for each figure of ours that got worse, compared with its peer in the same run."""
    told = []
    for cell in now["cells"]:
        if cell["server"] != "ours":
            continue
        old = _find(before, cell, "ours")
        if old is None:
            continue
        for figure in _FIGURES[cell["kind"]]:
            sentence = _compare(figure, (cell, _peer(now, cell)), (old, _peer(before, cell)))
            if sentence:
                told.append(sentence)
    return told


def _find(report: Mapping[str, Any], cell: Mapping[str, Any], server: str) -> Mapping[str, Any] | None:
    found = [one for one in report["cells"] if one["server"] == server and address(one) == address(cell)]
    # Stores of different sizes share an address: they are no repetition of each other.
    found = [one for one in found if one.get("blobs") == cell.get("blobs")]
    return found[0] if found else None


def _peer(report: Mapping[str, Any], cell: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for server in _PEERS:
        found = _find(report, cell, server)
        if found is not None:
            return found
    return None


Pair = tuple[Mapping[str, Any], Mapping[str, Any] | None]


def _compare(figure: str, now: Pair, before: Pair) -> str:
    """The sentence, or nothing to say."""
    if now[1] is None or before[1] is None:
        return ""
    new, old = ratio(now[0], now[1], figure), ratio(before[0], before[1], figure)
    if new is None or not old:
        return ""
    worse = new / old if figure in SMALLER_IS_BETTER else old / new
    if worse <= 1 + NOISE or _spreads_meet(figure, now, before):
        return ""
    cell = now[0]
    name = f"{cell['kind']} {cell['scheme']} {size_text(cell['size'])} × {cell['clients']}"
    return f"{name}: {figure} is {new:.2f} × {now[1]['server']}'s, was {old:.2f} ×"


def _spreads_meet(figure: str, now: Pair, before: Pair) -> bool:
    """Could the two ratios be the same one, given how far their rounds lay apart?"""
    new, old = _ratio_range(figure, now), _ratio_range(figure, before)
    if new is None or old is None:
        return False
    return new[0] <= old[1] and old[0] <= new[1]


def _ratio_range(figure: str, pair: Pair) -> tuple[float, float] | None:
    """From the rounds' extremes of ours over the peer's median: the peer's own noise is not ours."""
    value = pair[0].get(figure)
    base = median_of(pair[1] or {}, figure)
    if not isinstance(value, dict) or not base:
        return None
    return value["min"] / base, value["max"] / base
