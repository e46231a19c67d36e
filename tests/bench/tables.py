"""Figures as text, and tables of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

NAMES = {
    "mb_per_s": "MB/s", "req_per_s": "req/s", "cpu_s_per_gb": "CPU s/GB", "ttfb_ms": "first byte ms",
    "p50_ms": "p50 ms", "p99_ms": "p99 ms", "wall_s": "wall s", "start_ms": "start ms", "sweep_s": "sweep s",
    "sweep_cpu_s": "sweep CPU s", "sweep_p50_ms": "p50 ms in a sweep", "sweep_p99_ms": "p99 ms in a sweep",
    "peak_rss_mb": "peak RSS MB", "socket_memory_mb": "socket MB", "upstream_bytes": "upstream ×",
    "client_headroom": "client idle",
}  # fmt: skip


def figure(cell: Mapping[str, Any], name: str) -> str:
    value = cell.get(name)
    if value is None:
        return ""
    if name == "upstream_bytes":
        return f"{value / _pulled_bytes(cell):.2f}"
    if name == "client_headroom":
        return f"{value:.0%}"
    if isinstance(value, dict):
        if cell.get("rounds") == 1 or value["min"] == value["max"]:
            return f"{value['median']:.4g}"
        return f"{value['median']:.4g} ({value['min']:.3g}–{value['max']:.3g})"
    return f"{value:.4g}"


def _pulled_bytes(cell: Mapping[str, Any]) -> int:
    """All different bytes of a sample."""
    return int(cell["size"] * cell.get("different", 1))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
