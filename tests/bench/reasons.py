"""What stands in the way of a goal that is not met, in the report's own figures. Pure: report in, sentences out.

Rule for editors: a sentence says what the figures beside it show, or what anybody can read in the code; a part whose
figures were not measured is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .figures import median_of, ratio
from .matrix import ALL_PROCESSORS, GIB, KIB, MIB, SMALLER_STORE, size_text

Report = Mapping[str, Any]
Cell = Mapping[str, Any]
Reason = Callable[[Report], str]


def small_hit(report: Report) -> str:
    known, new = _beside(report, "repeated grants"), _beside(report, "new grants")
    parts = [_request_costs(report, 4 * KIB, ("ours", "nginx", "limit"))]
    if parts[0]:
        parts.append(
            "the limit is a Python loop, too, so it is not the language but what ours does for each answer: it reads "
            "the head strictly, admits the grant, notes the pull, counts and tells"
        )
    if known and new:
        more = _us_a_request(new) - _us_a_request(known)
        parts.append(f"a grant never seen, one request in ten, costs {more:.0f} µs more")
    return _joined(parts)


def large_hit(report: Report) -> str:
    costs = _request_costs(report, MIB, ("ours", "nginx"))
    why = "above 64 KiB ours opens the file, looks at it and closes it for each answer; nginx keeps it open"
    return _joined([costs, why]) if costs else ""


def one_processor(report: Report) -> str:
    ours, theirs = (_cell(report, "hit", 64 * MIB, 16, server, "https") for server in ("ours", "distribution"))
    if not ours or not theirs:
        return ""
    cost, parts = ratio(ours, theirs, "cpu_s_per_gb"), []
    busy = f"ours kept {ours['server_busy']:.2f} processors busy, Distribution {theirs['server_busy']:.2f}"
    parts.append(f"64 MiB × 16: {busy}" + (f"; a GB costs ours {cost:.2g} × Distribution's CPU time" if cost else ""))
    same = {cell["server"]: cell for cell in report["more"] if cell.get("variant") == ALL_PROCESSORS}
    rates = [f"{server} {median_of(cell, 'mb_per_s'):.0f}" for server, cell in same.items()]
    if rates:
        parts.append(f"where all may use every processor: {', '.join(rates)} MB/s")
    return _joined(parts)


def hashing(report: Report) -> str:
    parts = []
    for size in (64 * MIB, GIB):
        cells = {server: _cell(report, "miss", size, 1, server) for server in ("ours", "nginx-proxy-cache", "limit")}
        told = [
            f"{server} {median_of(cell, 'wall_s'):.3g} s and {median_of(cell, 'cpu_s_per_gb'):.2g} CPU s/GB"
            for server, cell in cells.items()
            if cell
        ]
        if told:
            parts.append(f"{size_text(size)}: {', '.join(told)}")
    why = (
        "ours hashes every byte before the last ones leave, and syncs the blob before it counts; nginx does neither, "
        "and the limit only receives, hashes and writes, in one thread"
    )
    return _joined([why, *parts]) if parts else ""


def before_the_first_byte(report: Report) -> str:
    ours = _cell(report, "miss", 64 * MIB, 1, "ours")
    nginx = _cell(report, "miss", 64 * MIB, 1, "nginx-proxy-cache")
    if not ours or not nginx:
        return ""
    new, known = _beside(report, "new grants"), _beside(report, "repeated grants")
    signature = f" ({_us_a_request(new) - _us_a_request(known):.0f} µs)" if new and known else ""
    return (
        f"{median_of(ours, 'ttfb_ms'):.2g} ms against {median_of(nginx, 'ttfb_ms'):.2g} ms: before it ours verifies a "
        f"grant never seen{signature}, makes the file, and goes from the loop to the thread that "
        "fetches and back; nginx compares an MD5 and relays from one loop"
    )


def many_heads(report: Report) -> str:
    del report
    return "32 heads and signatures are read before the first bytes go out, by the one loop that also feeds the readers"


def moving(report: Report) -> str:
    herd, warm = _cell(report, "herd", 256 * MIB, 32, "ours"), _cell(report, "hit", 64 * MIB, 16, "ours")
    if not herd:
        return ""
    parts = [f"ours feeds the 32 readers {median_of(herd, 'mb_per_s'):.0f} MB/s while it fetches and hashes"]
    if warm:
        parts[0] += f", {ratio(herd, warm, 'mb_per_s') or 0:.0%} of what it sends from a warm cache (64 MiB × 16)"
    busy = herd.get("server_busy", 0) + herd.get("client_busy", 0)
    parts.append(f"server and client together kept {busy:.2f} processors busy, without the origin")
    return _joined(parts)


def larger_store(report: Report) -> str:
    stores = [cell for cell in report["more"] if cell.get("variant") == SMALLER_STORE]
    stores += [cell for cell in report["cells"] if cell["kind"] == "start" and cell["server"] == "ours"]
    told = []
    for cell in stores:
        rest, sweep = median_of(cell, "p50_ms"), median_of(cell, "sweep_p50_ms")
        if rest is not None:
            during = f", {sweep:.3g} ms during a sweep" if sweep is not None else ""
            told.append(f"{cell['blobs']:,} blobs: p50 {rest:.3g} ms at rest{during}")
    why = "a sweep looks at every blob from a thread that has the interpreter a sixth of the time"
    return _joined([why, *told]) if told else ""


def _request_costs(report: Report, size: int, servers: Iterable[str]) -> str:
    cells = {server: _cell(report, "hit", size, 16, server) for server in servers}
    told = [f"{server} {_us_a_request(cell):.0f}" for server, cell in cells.items() if "cpu_s_per_gb" in cell]
    return f"CPU µs a request of {size_text(size)} × 16: {', '.join(told)}" if len(told) > 1 else ""


def _us_a_request(cell: Cell) -> float:
    return (median_of(cell, "cpu_s_per_gb") or 0) * cell["size"] / 1e3


def _cell(report: Report, kind: str, size: int, clients: int, server: str, scheme: str = "http") -> Cell:
    """Empty where it was not measured."""
    wanted = (kind, scheme, size, clients, server)
    for cell in report["cells"]:
        found = (cell["kind"], cell["scheme"], cell["size"], cell["clients"], cell["server"])
        if found == wanted and "variant" not in cell:
            return cell
    return {}


def _beside(report: Report, variant: str) -> Cell:
    return next((cell for cell in report["more"] if cell.get("variant") == variant and cell["server"] == "ours"), {})


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(part for part in parts if part)
