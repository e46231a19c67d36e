from bench.goals import Goal, judge
from bench.matrix import MIB, SMALLER_STORE

from .reports import cell, report, spread

RATE = Goal("large hits", "hit", "http", (MIB, 64 * MIB), (1, 16), "mb_per_s", "nginx", 1.0)
COST = Goal("large hits", "hit", "http", (MIB,), (16,), "cpu_s_per_gb", "nginx", 1.1)
MEMORY = Goal("slow", "slow", "http", (MIB,), (200,), "peak_rss_mb", "", 64.0)


def test_a_goal_is_judged_by_its_worst_cell():
    cells = [
        cell("ours", size=MIB, mb_per_s=200), cell("nginx", size=MIB, mb_per_s=100),
        cell("ours", size=64 * MIB, mb_per_s=90), cell("nginx", size=64 * MIB, mb_per_s=100),
    ]  # fmt: skip
    verdict = judge(RATE, report(*cells))
    assert (verdict.worst, verdict.where, verdict.met) == (0.9, "64 MiB × 16", False)


def test_a_cost_is_met_below_its_bound():
    assert judge(COST, report(cell("ours", cpu_s_per_gb=0.2), cell("nginx", cpu_s_per_gb=0.2))).met
    assert judge(COST, report(cell("ours", cpu_s_per_gb=0.3), cell("nginx", cpu_s_per_gb=0.2))).met is False


def test_an_absolute_goal_needs_no_peer():
    assert judge(MEMORY, report(cell("ours", "slow", clients=200, peak_rss_mb=50.0))).met
    assert judge(MEMORY, report(cell("ours", "slow", clients=200, peak_rss_mb=70.0))).met is False


def test_what_was_not_measured_is_neither_met_nor_missed():
    assert judge(RATE, report()).met is None
    assert judge(RATE, report(cell("ours", mb_per_s=1))).met is None


def test_a_variant_is_no_cell_of_a_goal():
    cells = [cell("ours", mb_per_s=1, variant="ranges"), cell("nginx", mb_per_s=100, variant="ranges")]
    assert judge(RATE, report(*cells)).met is None


STORE = Goal("store", "start", "http", (64,), (1,), "p50_ms", SMALLER_STORE, 1.1, blobs=1_000_000)
SWEPT = Goal(
    "store", "start", "http", (64,), (1,), "sweep_p50_ms", SMALLER_STORE, 1.1, blobs=1_000_000, against="p50_ms"
)


def _store(blobs: int, **figures):
    return cell("ours", "start", size=64, clients=1, blobs=blobs, **figures)


def test_a_large_store_is_judged_by_one_that_is_large():
    smaller = _store(10_000, p50_ms=1.0, variant=SMALLER_STORE)
    assert judge(STORE, report(_store(10_000, p50_ms=1.0), more=(smaller,))).met is None
    assert judge(STORE, report(_store(1_000_000, p50_ms=1.05), more=(smaller,))).met


def test_latency_in_a_sweep_is_compared_with_that_at_rest_in_the_smallest_store():
    middle = _store(100_000, p50_ms=9.0, variant=SMALLER_STORE)
    smallest = _store(10_000, p50_ms=1.0, sweep_p50_ms=9.0, variant=SMALLER_STORE)
    found = judge(SWEPT, report(_store(1_000_000, p50_ms=1.0, sweep_p50_ms=3.0), more=(middle, smallest)))
    assert (found.worst, found.met) == (3.0, False)


def test_a_variant_is_no_peer_of_a_cell():
    other = cell("nginx", mb_per_s=1, variant="all processors")
    assert judge(RATE, report(cell("ours", mb_per_s=1), more=(other,))).met is None


def test_rounds_on_either_side_of_the_goal_are_noise():
    ours, nginx = cell("ours", mb_per_s=97), cell("nginx", mb_per_s=100)
    assert judge(RATE, report(ours, nginx)).within_the_noise
    ours["mb_per_s"] = spread(50)
    assert not judge(RATE, report(ours, nginx)).within_the_noise
