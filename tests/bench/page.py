"""The report for people: report.md, and with the same text docs/performance.md. Pure: the report in, Markdown out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .figures import median_of, ratio
from .goals import GOALS, Verdict, address, judge
from .pictures import label, size_and_clients

PICTURES = "performance"  # the folder of the charts, beside the page
_KINDS = {
    "hit": ("Hits", "mb_per_s"),
    "miss": ("First pulls", "wall_s"),
    "herd": ("Herds on a cold cache", "wall_s"),
    "slow": ("Slow clients", "peak_rss_mb"),
    "start": ("Large stores", "ttfb_ms"),
}
_COLUMNS = {
    "hit": ("mb_per_s", "req_per_s", "cpu_s_per_gb", "ttfb_ms", "p99_ms", "peak_rss_mb"),
    "miss": ("wall_s", "cpu_s_per_gb", "ttfb_ms", "peak_rss_mb", "upstream_bytes"),
    "herd": ("wall_s", "cpu_s_per_gb", "ttfb_ms", "peak_rss_mb", "upstream_bytes"),
    "slow": ("peak_rss_mb", "mb_per_s"),
    "start": ("ttfb_ms", "p99_ms", "req_per_s", "peak_rss_mb"),
}
_NAMES = {
    "mb_per_s": "MB/s", "req_per_s": "req/s", "cpu_s_per_gb": "CPU s/GB", "ttfb_ms": "first byte ms",
    "p99_ms": "p99 ms", "wall_s": "wall s", "peak_rss_mb": "peak RSS MB", "upstream_bytes": "upstream ×",
}  # fmt: skip
BUSY = 0.95  # of a processor: from here on the client may be what limits a sample


def page(report: Mapping[str, Any], pictures: Iterable[str], slower: Sequence[str] | None) -> str:
    """`slower`: what comparison.slower said, None where there was no report to compare with."""
    parts = [
        "# Performance",
        _introduction(report),
        "## Goals",
        _goals(report),
        *_compared(slower),
        *(f"![{name}]({PICTURES}/{name})" for name in pictures),
        *_sections(report),
        *_more(report),
        "## How sure this is",
        _certainty(report),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(report: Mapping[str, Any]) -> str:
    machine = "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in report["machine"].items())
    return (
        f"Measured by `make bench` (plan: {report['plan']}), all servers side by side in one run, the order rotated "
        "from round to round. Medians; the smallest and the largest round in brackets. Grants are verified by the "
        f"cache, links by nginx (`secure_link`); Distribution checks nobody. Access logs are off everywhere."
        "\n\nTo repeat it: `make bench`, or `make bench BENCH=quick` for the subset in under four minutes; "
        "`make bench PUBLISH=yes` makes its report this page.\n\n"
        f"{machine}"
    )


def _goals(report: Mapping[str, Any]) -> str:
    rows = [_goal_row(judge(goal, report["cells"])) for goal in GOALS]
    return _table(("line", "figure", "against", "goal", "worst cell", "found", ""), rows)


def _goal_row(verdict: Verdict) -> tuple[str, ...]:
    goal = verdict.goal
    sign, unit = "≤" if goal.at_most else "≥", " ×" if goal.peer else ""
    met = {True: "met", False: "**not met**", None: "not measured"}[verdict.met]
    scale = goal.sizes[0] if goal.figure == "upstream_bytes" else 1  # told as multiples of the blob
    found = "" if verdict.worst is None else f"{verdict.worst / scale:.3g}{unit}"
    bound = f"{sign} {goal.bound / scale:.3g}{unit}"
    return goal.line, _NAMES[goal.figure], goal.peer or "absolute", bound, verdict.where, found, met


def _compared(slower: Sequence[str] | None) -> list[str]:
    if slower is None:
        return []
    text = "\n".join(f"- {line}" for line in slower) if slower else "Nothing got slower."
    return ["## Against the report before", text]


def _sections(report: Mapping[str, Any]) -> list[str]:
    parts = []
    for kind, (title, figure) in _KINDS.items():
        for scheme, told in (("http", ""), ("https", " over TLS 1.3")):
            cells = [cell for cell in report["cells"] if cell["kind"] == kind and cell["scheme"] == scheme]
            if cells:
                parts += [f"## {title}{told}", _ratios(cells, figure), _table(*_figures(cells, kind))]
    return parts


def _ratios(cells: Sequence[Mapping[str, Any]], figure: str) -> str:
    """How many times ours is each peer's, a row a cell."""
    peers = list(dict.fromkeys(cell["server"] for cell in cells if cell["server"] != "ours"))
    rows = []
    for ours in (cell for cell in cells if cell["server"] == "ours"):
        same = {cell["server"]: cell for cell in cells if address(cell) == address(ours)}
        values = [ratio(ours, same[peer], figure) if peer in same else None for peer in peers]
        rows.append((label(ours), *("" if value is None else f"{value:.3g} ×" for value in values)))
    return _table((f"ours in {_NAMES[figure]}", *(f"to {peer}" for peer in peers)), rows)


def _figures(cells: Sequence[Mapping[str, Any]], kind: str) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    columns = [name for name in _COLUMNS[kind] if any(name in cell for cell in cells)]
    rows = [(label(cell), cell["server"], *(_figure(cell, name) for name in columns)) for cell in cells]
    return ("cell", "server", *(_NAMES[name] for name in columns)), rows


def _figure(cell: Mapping[str, Any], name: str) -> str:
    value = cell.get(name)
    if value is None:
        return ""
    if name == "upstream_bytes":
        return f"{value / cell['size']:.2f}"
    if isinstance(value, dict):
        return f"{value['median']:.4g} ({value['min']:.3g}–{value['max']:.3g})"
    return f"{value:.4g}"


def _more(report: Mapping[str, Any]) -> list[str]:
    if not report["more"]:
        return []
    text = (
        "One request in ten brings a grant that the cache has not seen: its signature (RS256) is verified; the "
        "others are known. What the share of new ones does:"
    )
    rows = [
        (cell["variant"], size_and_clients(cell), _figure(cell, "req_per_s"), _figure(cell, "cpu_s_per_gb"))
        for cell in report["more"]
    ]
    return ["## Grants", text, _table(("grants", "cell", "req/s", "CPU s/GB"), rows)]


def _certainty(report: Mapping[str, Any]) -> str:
    bound = [
        f"- {cell['kind']} {cell['scheme']} {label(cell)}, {cell['server']}: client {cell['client_busy']:.2f}, "
        f"server {cell.get('server_busy', 0):.2f} processors"
        for cell in report["cells"]
        if (median_of(cell, "client_busy") or 0) >= BUSY and (median_of(cell, "server_busy") or 0) < BUSY
    ]
    told = (
        "The client runs on processors of its own, drops plain bodies in the kernel and decrypts only the first head "
        "of a TLS connection, so it does less for each byte than any server. Every sample records how busy it was. "
    )
    if not bound:
        return told + "In no cell was it the busier side with its processor full while the server's was not."
    told += "Where its processor was full and the server's was not, the server may be faster than shown:\n\n"
    return told + "\n".join(bound)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
