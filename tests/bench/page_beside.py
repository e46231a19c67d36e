"""What the page tells beside the cells: shares of new grants, all processors for everybody, nginx as it comes, how sure
it all is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .figures import median_of, ratio
from .goals import address
from .matrix import ALL_PROCESSORS, GRANT_VARIANTS, OWN_BUFFERS
from .pictures import label, size_and_clients
from .tables import figure, table
from .targets import NEW_OF_TEN

BOUND = 0.05  # of its time: a client with less left may be what limits a sample
_GRANTS = (
    f"In every other table {NEW_OF_TEN} request in ten brings a grant that the cache has not seen, whose signature "
    "(RS256) is verified; the others are known. That share is our own choice: clients that never come back with the "
    "same grant, as right after a login each, make all of them new. nginx compares an MD5 each time."
)
_PROCESSORS = (
    "TLS with every processor for every server, the client among them: ours is one process all the same, nginx has a "
    "worker for each."
)
_BUFFERS = (
    "In every other table nginx proxies through buffers of 256 KiB. Unless somebody tunes it, it has some KiB. Neither "
    "hashes what it stores."
)
_CLIENT = (
    "The client drops plain bodies in the kernel and decrypts only the first head of a TLS connection. For hits it has "
    "a processor to itself and never sleeps there, as waking a sleeper costs a virtual machine more than many an "
    "answer; beside Distribution, which has that processor, too, it sleeps, or it would take it away. `client idle` is "
    "the share of its time in which no answer waited for it, the least of all rounds. Each connection has had an "
    "answer before anything counts. p99 is told from a hundred answers on, over all rounds where one has fewer."
)


def beside(report: Mapping[str, Any]) -> list[str]:
    return [*_grants(report), *_processors(report), *_own_buffers(report)]


def _grants(report: Mapping[str, Any]) -> list[str]:
    variants = [cell for cell in report["more"] if cell.get("variant") in GRANT_VARIANTS]
    if not variants:
        return []
    same = [cell for cell in report["cells"] if address(cell) == address(variants[0])]
    nginx = next((cell for cell in same if cell["server"] == "nginx"), {})
    told = [(f"ours, {cell['variant']}", cell) for cell in variants]
    told += [("ours, one in ten new", cell) for cell in same if cell["server"] == "ours"]
    told += [("nginx, links", nginx)] if nginx else []
    rows = [
        (name, size_and_clients(cell), figure(cell, "req_per_s"), figure(cell, "cpu_s_per_gb"), _times(cell, nginx))
        for name, cell in told
    ]
    return ["## Grants", _GRANTS, table(("grants", "cell", "req/s", "CPU s/GB", "req/s to nginx"), rows)]


def _times(cell: Mapping[str, Any], nginx: Mapping[str, Any]) -> str:
    value = ratio(cell, nginx, "req_per_s")
    return "" if value is None else f"{value:.3g} ×"


def _processors(report: Mapping[str, Any]) -> list[str]:
    cells = [cell for cell in report["more"] if cell.get("variant") == ALL_PROCESSORS]
    if not cells:
        return []
    rows = [
        (size_and_clients(cell), cell["server"], figure(cell, "mb_per_s"), figure(cell, "cpu_s_per_gb"))
        for cell in cells
    ]
    return ["## All processors for everybody", _PROCESSORS, table(("cell", "server", "MB/s", "CPU s/GB"), rows)]


def _own_buffers(report: Mapping[str, Any]) -> list[str]:
    variants = [cell for cell in report["more"] if cell.get("variant") == OWN_BUFFERS]
    rows = []
    for variant in variants:
        same = {cell["server"]: cell for cell in report["cells"] if address(cell) == address(variant)}
        tuned, ours = same.get("nginx-proxy-cache", {}), same.get("ours", {})
        for name, cell in (("ours", ours), ("nginx, tuned", tuned), ("nginx, its own buffers", variant)):
            rows.append((size_and_clients(variant), name, figure(cell, "wall_s"), figure(cell, "cpu_s_per_gb")))
    head = ("cell", "server", "wall s", "CPU s/GB")
    return ["## First pulls beside nginx as it comes", _BUFFERS, table(head, rows)] if rows else []


def certainty(report: Mapping[str, Any]) -> str:
    bound = _bound_by_the_client([*report["cells"], *report["more"]])
    if not bound:
        return f"{_CLIENT} It had {BOUND:.0%} of its time left or more in every cell of hits."
    told = f"{_CLIENT} Where it had less than {BOUND:.0%} left, the server may be faster than shown:\n\n"
    return told + "\n".join(bound)


def _bound_by_the_client(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"- {cell['kind']} {cell['scheme']} {label(cell)}, {cell['server']}: client idle "
        f"{cell['client_headroom']:.1%}, server {median_of(cell, 'server_busy') or 0:.2f} processors"
        for cell in cells
        if cell["kind"] in ("hit", "start") and cell.get("client_headroom", 1) < BOUND
    ]
