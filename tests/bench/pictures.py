"""Which charts a report gets. Pure: the report in, file names and SVG out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .chart import Row, chart
from .goals import address
from .matrix import size_text

_CHARTS = (
    ("hits-http.svg", "Hits over HTTP", "hit", "http", "mb_per_s", "MB/s, more is better"),
    ("hits-tls.svg", "Hits over TLS 1.3", "hit", "https", "mb_per_s", "MB/s, more is better"),
    ("hits-cpu.svg", "Hits over HTTP: what they cost", "hit", "http", "cpu_s_per_gb", "CPU s/GB, less is better"),
    ("first-pulls.svg", "First pulls", "miss", "http", "wall_s", "seconds, less is better"),
    ("first-bytes.svg", "First byte of a first pull", "miss", "http", "ttfb_ms", "ms, less is better"),
    ("first-bytes.svg", "First byte of a first pull", "miss", "http", "ttfb_ms", "ms, less is better"),
    ("herds.svg", "Herds on a cold cache", "herd", "http", "wall_s", "seconds, less is better"),
    ("herds-first-bytes.svg", "First byte in a herd", "herd", "http", "ttfb_ms", "ms, less is better"),
    ("herds-first-bytes.svg", "First byte in a herd", "herd", "http", "ttfb_ms", "ms, less is better"),
    ("slow-clients.svg", "200 slow clients: peak memory", "slow", "http", "peak_rss_mb", "MB, less is better"),
)


def pictures(report: Mapping[str, Any]) -> dict[str, str]:
    """File name → SVG, for the charts that have something to show."""
    found = {}
    for name, title, kind, scheme, figure, unit in _CHARTS:
        svg = chart(title, unit, _rows(report, kind, scheme, figure))
        if svg:
            found[name] = svg
    return found


def _rows(report: Mapping[str, Any], kind: str, scheme: str, figure: str) -> list[Row]:
    rows: dict[tuple[str, str, int, int], dict[str, tuple[float, float, float]]] = {}
    labels = {}
    for cell in report["cells"]:
        if (cell["kind"], cell["scheme"]) != (kind, scheme) or figure not in cell:
            continue
        value = cell[figure]
        dot = (value["median"], value["min"], value["max"]) if isinstance(value, dict) else (value, value, value)
        rows.setdefault(address(cell), {})[cell["server"]] = dot
        labels[address(cell)] = label(cell)
    return [Row(labels[key], dots) for key, dots in rows.items()]


def label(cell: Mapping[str, Any]) -> str:
    """`64 MiB × 16`: of one cell among those of its kind."""
    return f"{cell['variant']}, {size_and_clients(cell)}" if "variant" in cell else size_and_clients(cell)


def size_and_clients(cell: Mapping[str, Any]) -> str:
    return f"{size_text(cell['size'])} × {cell['clients']}"
