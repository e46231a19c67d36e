"""From samples to figures: what one sample says, and the median and spread over rounds. Pure.

A sample is a dict of named numbers; what makes no sense for a kind is absent, never zero.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SWEEP_FIGURES = ("sweep_s", "sweep_cpu_s", "sweep_p50_ms", "sweep_p99_ms")
SPREAD_FIGURES = (
    "mb_per_s", "req_per_s", "cpu_s_per_gb", "ttfb_ms", "p50_ms", "p99_ms", "wall_s", "start_ms", *SWEEP_FIGURES,
)  # fmt: skip
SMALLER_IS_BETTER = frozenset(
    ("cpu_s_per_gb", "ttfb_ms", "p50_ms", "p99_ms", "wall_s", "start_ms", "peak_rss_mb", *SWEEP_FIGURES)
)
_PLAIN_FIGURES = (
    ("peak_rss_mb", max), ("upstream_bytes", max), ("different", max), ("socket_memory_mb", max),
    ("client_busy", statistics.median), ("server_busy", statistics.median), ("client_headroom", min),
)  # fmt: skip
_ENOUGH_FOR_P50, _ENOUGH_FOR_P99 = 10, 100
_ENOUGH_FOR_RATE = 20
Sample = dict[str, Any]


def sample(client: Mapping[str, Any]) -> Sample:
    """The figures of one run of the client (client/pulls.py); `server_busy` and `client_busy` in processors.

    `client_headroom`: the share of the time in which the client could have done more. A client that sleeps has what
    its processor did not do for it; one that spins is busy always, and has the time in which no answer waited.
    Where `answer_bytes` says how long each answer is, those that were under way at the end count by their share.
    """
    seconds, got = client["seconds"], client["body_bytes"]
    found: Sample = {
        "wall_s": seconds,
        "mb_per_s": got / seconds / 1e6,
        "server_busy": client["server_cpu_s"] / seconds,
    }
    if got:
        found["cpu_s_per_gb"] = client["server_cpu_s"] / got * 1e9
    if "client_cpu_s" in client:
        found["client_busy"] = client["client_cpu_s"] / seconds
        found["client_headroom"] = client.get("client_idle_s", max(0.0, seconds - client["client_cpu_s"])) / seconds
    if client.get("answer_bytes"):
        found["req_per_s"] = got / client["answer_bytes"] / seconds
    elif client.get("requests", 0) >= _ENOUGH_FOR_RATE:
        found["req_per_s"] = client["requests"] / seconds
    if client.get("first_byte_s"):
        found["ttfb_ms"] = statistics.median(client["first_byte_s"]) * 1e3
    if "socket_memory_bytes" in client:
        found["socket_memory_mb"] = client["socket_memory_bytes"] / 1e6
    return found | _latencies(client.get("whole_s", ()))


def _latencies(whole_s: Sequence[float]) -> Sample:
    """Of whole answers; too few for a percentile are kept, to be put together with the other rounds' (`summary`)."""
    found: Sample = {} if len(whole_s) >= _ENOUGH_FOR_P99 else {"few_whole_s": list(whole_s)}
    if len(whole_s) >= _ENOUGH_FOR_P50:
        found["p50_ms"] = statistics.median(whole_s) * 1e3
    if len(whole_s) >= _ENOUGH_FOR_P99:
        found["p99_ms"] = percentile(whole_s, 0.99) * 1e3
    return found


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]


def spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": _rounded(statistics.median(values)),
        "min": _rounded(min(values)),
        "max": _rounded(max(values)),
    }


def summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """What the report says of one server in one cell."""
    found: dict[str, Any] = {}
    together = _latencies([value for one in samples for value in one.get("few_whole_s", ())])
    samples = [together | one for one in samples]
    for name in SPREAD_FIGURES:
        values = [one[name] for one in samples if name in one]
        if values:
            found[name] = spread(values)
    for name, most in _PLAIN_FIGURES:
        values = [one[name] for one in samples if name in one]
        if values:
            found[name] = int(most(values)) if name in ("upstream_bytes", "different") else _rounded(most(values))
    return found


def _rounded(value: float) -> float:
    """Four digits that count."""
    return float(f"{value:.4g}")


def ratio(ours: Mapping[str, Any], theirs: Mapping[str, Any], figure: str) -> float | None:
    """How many times ours is theirs in `figure`, by medians; None where one of them is absent."""
    one, other = median_of(ours, figure), median_of(theirs, figure)
    if one is None or not other:
        return None
    return one / other


def median_of(cell: Mapping[str, Any], figure: str) -> float | None:
    value = cell.get(figure)
    found = value["median"] if isinstance(value, dict) else value
    return None if found is None else float(found)
