"""One chart: a row a cell, a dot a server, a line from its slowest to its fastest round; the axis is logarithmic.

Pure: values in, SVG text out. Wide enough for a page, no scripts, no fonts of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

# Told apart by those who do not see all colours, too.
COLOURS = {
    "ours": "#d55e00",
    "nginx": "#0072b2",
    "nginx-proxy-cache": "#56b4e9",
    "distribution": "#009e73",
    "distribution-proxy": "#8a9a00",
    "limit": "#999999",
}
_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 860, 210, 24, 64, 26, 40
Dot = tuple[float, float, float]  # median, smallest, largest


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    dots: Mapping[str, Dot]


def chart(title: str, unit: str, rows: Sequence[Row]) -> str:
    """SVG of `rows`; values must be positive."""
    values = [value for row in rows for dot in row.dots.values() for value in dot if value > 0]
    if not values:
        return ""
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values) * 1.0001))
    height = _TOP + _ROW * len(rows) + _BOTTOM
    servers = [server for server in COLOURS if any(server in row.dots for row in rows)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
        *_legend(servers),
        *_axis(low, high, unit, height),
    ]
    for number, row in enumerate(rows):
        parts += _row(row, _TOP + _ROW * number + _ROW / 2, low, high)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(value: float, low: float, high: float) -> float:
    share = (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _legend(servers: Sequence[str]) -> list[str]:
    parts, x = [], 12.0
    for server in servers:
        parts.append(f'<circle cx="{x + 5:.0f}" cy="42" r="5" fill="{COLOURS[server]}"/>')
        parts.append(f'<text x="{x + 14:.0f}" y="46">{escape(server)}</text>')
        x += 30 + 7 * len(server)
    return parts


def _axis(low: float, high: float, unit: str, height: int) -> list[str]:
    parts, value = [], low
    while value <= high * 1.0001:
        x, bottom = _x(value, low, high), height - _BOTTOM
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#dddddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" fill="#555555">{value:g}</text>')
        value *= 10
    parts.append(f'<text x="{_WIDTH - _RIGHT}" y="{height - 8}" text-anchor="end" fill="#555555">{escape(unit)}</text>')
    return parts


def _row(row: Row, y: float, low: float, high: float) -> list[str]:
    parts = [f'<text x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(row.label)}</text>']
    for server in reversed(COLOURS):  # ours last, so on top
        if server not in row.dots or row.dots[server][0] <= 0:
            continue
        median, least, most = row.dots[server]
        colour, left, right = COLOURS[server], _x(max(least, low), low, high), _x(most, low, high)
        parts.append(
            f'<line x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="2"/>'
        )
        parts.append(f'<circle cx="{_x(median, low, high):.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
    return parts
