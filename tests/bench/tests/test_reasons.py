"""Reasons are made of the report's figures: another report, another sentence; without figures none."""

import pytest

from bench import reasons
from bench.goals import GOALS
from bench.matrix import GIB, KIB, MIB

from .reports import cell, report

ALL = dict.fromkeys(goal.why for goal in GOALS if goal.why not in (None, reasons.many_heads))


def _cost(server: str, us: float, **more) -> dict:
    return cell(server, size=4 * KIB, cpu_s_per_gb=us * 1e3 / (4 * KIB), **more)


@pytest.mark.parametrize("why", ALL)
def test_without_figures_nothing_is_claimed(why):
    assert why(report()) == ""


def test_every_goal_against_a_peer_that_was_missed_once_has_a_reason():
    assert [goal.line for goal in GOALS if goal.kind in ("miss", "herd") and goal.peer and goal.why is None] == []


def test_a_small_hit_is_told_by_what_each_spends_on_a_request():
    more = (_cost("ours", 60, variant="repeated grants"), _cost("ours", 240, variant="new grants"))
    told = reasons.small_hit(report(_cost("ours", 74), _cost("nginx", 29), _cost("limit", 15), more=more))
    assert "CPU µs a request of 4 KiB × 16: ours 74, nginx 29, limit 15" in told
    assert "costs 180 µs more" in told


def test_hashing_is_told_beside_the_limit():
    cells = [cell(server, "miss", size=GIB, clients=1, wall_s=wall, cpu_s_per_gb=1.0)
             for server, wall in (("ours", 1.5), ("limit", 1.1))]  # fmt: skip
    assert "1 GiB: ours 1.5 s and 1 CPU s/GB, limit 1.1 s" in reasons.hashing(report(*cells))


def test_processors_are_told_as_they_were_used():
    cells = [cell(server, scheme="https", size=64 * MIB, server_busy=busy, cpu_s_per_gb=cost)
             for server, busy, cost in (("ours", 0.99, 1.0), ("distribution", 1.9, 2.0))]  # fmt: skip
    told = reasons.one_processor(report(*cells))
    assert "ours kept 0.99 processors busy, Distribution 1.90; a GB costs ours 0.5 ×" in told
