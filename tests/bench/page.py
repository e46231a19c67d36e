"""The report for people: report.md, and with the same text docs/performance.md. Pure: the report in, Markdown out.

page_goals.py has the goals and what stands in their way, page_beside.py what is told beside the cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .figures import ratio
from .goals import address
from .matrix import SMALLER_STORE
from .page_beside import beside, certainty
from .page_goals import goals, reasons
from .pictures import label
from .tables import NAMES, figure, table

PICTURES = "performance"  # the folder of the charts, beside the page
_KINDS = {
    "hit": ("Hits", "mb_per_s"),
    "miss": ("First pulls", "wall_s"),
    "herd": ("Herds on a cold cache", "wall_s"),
    "slow": ("Slow clients", "peak_rss_mb"),
    "start": ("Cost as the store grows", "start_ms"),
}
_COLUMNS = {
    "hit": ("mb_per_s", "req_per_s", "cpu_s_per_gb", "ttfb_ms", "p50_ms", "p99_ms", "peak_rss_mb", "client_headroom"),
    "miss": ("wall_s", "req_per_s", "cpu_s_per_gb", "ttfb_ms", "p50_ms", "p99_ms", "peak_rss_mb", "upstream_bytes"),
    "herd": ("wall_s", "cpu_s_per_gb", "ttfb_ms", "peak_rss_mb", "upstream_bytes"),
    "slow": ("peak_rss_mb", "socket_memory_mb", "ttfb_ms", "mb_per_s"),
    "start": (
        "start_ms", "ttfb_ms", "p50_ms", "p99_ms", "req_per_s", "sweep_s", "sweep_cpu_s", "sweep_p50_ms",
        "sweep_p99_ms", "peak_rss_mb",
    ),
}  # fmt: skip
_NOTES = {
    "miss": "Small blobs come in a row of many, each a miss: of them, `wall s` is the whole row's.",
    "slow": "One run each. `socket MB`: what the kernel held for TCP, at both ends of all connections.",
    "start": (
        "Stores grow from one to the next. `start ms`: from the start of the process to the first byte of a blob. Hits "
        "come after the start's own work; `sweep` tells what a walk over the whole store takes while nobody asks, and "
        "what hits take during one, where it lasted as long as they did."
    ),
}


def page(report: Mapping[str, Any], pictures: Iterable[str], slower: Sequence[str] | None) -> str:
    """`slower`: what comparison.slower said, None where there was no report to compare with."""
    parts = [
        "# Performance",
        _introduction(report),
        "## Goals",
        goals(report),
        *reasons(report),
        *_compared(slower),
        *(f"![{name}]({PICTURES}/{name})" for name in pictures),
        *_sections(report),
        *beside(report),
        "## How sure this is",
        certainty(report),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(report: Mapping[str, Any]) -> str:
    machine = "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in report["machine"].items())
    minutes = f"{report['duration_s'] / 60:.0f} minutes"
    return (
        f"Made by `cd tests && {report['command']}` in {minutes} (plan {report['plan']}), all servers side by side in "
        "one run. Each server has early, middle and late places over the rounds. Medians; the smallest and the largest "
        "round in brackets. Grants are verified by the cache, links by nginx (`secure_link`); Distribution checks "
        "nobody. Access logs are off everywhere."
        "\n\nFor hits, ours, nginx and the limit have one processor, the client the others; **Distribution has all of "
        "them**, the client's, too, as it is one program of many threads. In first pulls and herds everybody has all."
        "\n\nTo repeat it: `make bench`, or `make bench BENCH=quick` for the subset in under four minutes; "
        "`make bench PUBLISH=yes` makes its report this page.\n\n"
        f"{machine}"
    )


def _compared(slower: Sequence[str] | None) -> list[str]:
    if slower is None:
        return []
    text = "\n".join(f"- {line}" for line in slower) if slower else "Nothing got slower."
    return ["## Against the report before", text]


def _sections(report: Mapping[str, Any]) -> list[str]:
    parts = []
    grown = [cell for cell in report["more"] if cell.get("variant") == SMALLER_STORE]
    for kind, (title, compared) in _KINDS.items():
        for scheme, told in (("http", ""), ("https", " over TLS 1.3")):
            cells = [cell for cell in report["cells"] if cell["kind"] == kind and cell["scheme"] == scheme]
            if cells:
                smaller = grown if kind == "start" else []
                parts += [f"## {title}{told}", *([_NOTES[kind]] if kind in _NOTES else []), _ratios(cells, compared)]
                parts.append(table(*_figures([*smaller, *cells], kind)))
    return parts


def _ratios(cells: Sequence[Mapping[str, Any]], compared: str) -> str:
    """How many times ours is each peer's, a row a cell."""
    peers = list(dict.fromkeys(cell["server"] for cell in cells if cell["server"] != "ours"))
    rows = []
    for ours in (cell for cell in cells if cell["server"] == "ours"):
        same = {cell["server"]: cell for cell in cells if address(cell) == address(ours)}
        values = [ratio(ours, same[peer], compared) if peer in same else None for peer in peers]
        rows.append((_label(ours), *("" if value is None else f"{value:.3g} ×" for value in values)))
    return table((f"ours in {NAMES[compared]}", *(f"to {peer}" for peer in peers)), rows)


def _figures(cells: Sequence[Mapping[str, Any]], kind: str) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    columns = [name for name in _COLUMNS[kind] if any(name in cell for cell in cells)]
    rows = [(_label(cell), cell["server"], *(figure(cell, name) for name in columns)) for cell in cells]
    return ("cell", "server", *(NAMES[name] for name in columns)), rows


def _label(cell: Mapping[str, Any]) -> str:
    return f"{cell['blobs']:,} blobs" if "blobs" in cell else label(cell)
