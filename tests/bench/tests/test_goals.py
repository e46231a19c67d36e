from bench.goals import Goal, judge
from bench.matrix import MIB

from .reports import cell

RATE = Goal("large hits", "hit", "http", (MIB, 64 * MIB), (1, 16), "mb_per_s", "nginx", 1.0)
COST = Goal("large hits", "hit", "http", (MIB,), (16,), "cpu_s_per_gb", "nginx", 1.1)
MEMORY = Goal("slow", "slow", "http", (MIB,), (200,), "peak_rss_mb", "", 64.0)


def test_a_goal_is_judged_by_its_worst_cell():
    cells = [
        cell("ours", size=MIB, mb_per_s=200), cell("nginx", size=MIB, mb_per_s=100),
        cell("ours", size=64 * MIB, mb_per_s=90), cell("nginx", size=64 * MIB, mb_per_s=100),
    ]  # fmt: skip
    verdict = judge(RATE, cells)
    assert (verdict.worst, verdict.where, verdict.met) == (0.9, "64 MiB × 16", False)


def test_a_cost_is_met_below_its_bound():
    assert judge(COST, [cell("ours", cpu_s_per_gb=0.2), cell("nginx", cpu_s_per_gb=0.2)]).met
    assert judge(COST, [cell("ours", cpu_s_per_gb=0.3), cell("nginx", cpu_s_per_gb=0.2)]).met is False


def test_an_absolute_goal_needs_no_peer():
    assert judge(MEMORY, [cell("ours", "slow", clients=200, peak_rss_mb=50.0)]).met
    assert judge(MEMORY, [cell("ours", "slow", clients=200, peak_rss_mb=70.0)]).met is False


def test_what_was_not_measured_is_neither_met_nor_missed():
    assert judge(RATE, []).met is None
    assert judge(RATE, [cell("ours", mb_per_s=1)]).met is None


def test_a_variant_is_no_cell_of_a_goal():
    cells = [cell("ours", mb_per_s=1, variant="ranges"), cell("nginx", mb_per_s=100, variant="ranges")]
    assert judge(RATE, cells).met is None
