"""The table of lies: a round tells each of them, in each topology, once."""

from __future__ import annotations

from collections import Counter

from doubles.lies import BODY_LIES, FRAMED_HEAD_LIES, FRAMINGS, HEAD_LIES, ODD_TRUTHS
from endurance.campaigns.liars import _POSITIONS, CASES, TOPOLOGIES, Liars, of_cycle, tries


def test_a_round_has_each_case_in_each_topology_exactly_once() -> None:
    told = Counter((where, case) for where, cases in map(of_cycle, range(Liars.full // 2)) for case in cases)

    assert told == Counter((where, case) for where in TOPOLOGIES for case in CASES)
    assert set(told.values()) == {1}


def test_the_table_has_each_lie_in_each_framing_and_at_each_position_where_it_has_one() -> None:
    told = {(case.name, case.framing, case.at) for case in CASES}

    assert len(told) == len(CASES)
    assert told >= {
        (name, framing, at) for name in (*BODY_LIES, "a stall") for framing in FRAMINGS for at in _POSITIONS
    }
    assert told >= {(name, framing, 0) for name in FRAMED_HEAD_LIES for framing in FRAMINGS}
    assert told >= {(f"later, {name}", framing, 0.5) for name in HEAD_LIES for framing in FRAMINGS}
    assert {case.name for case in CASES if case.true} >= {*ODD_TRUTHS, "a slow drip"}


def test_a_break_costs_a_client_nothing_and_wrong_bytes_in_a_large_blob_a_pull_for_each_liar() -> None:
    allowed = {
        case.name: tries(case, "two, and an honest one", 1_500_000) for case in CASES if case.framing == "chunked"
    }

    assert {allowed[name] for name in ("a break", "a reset", "a stall", "only the beginning", "nothing at all")} == {1}
    assert allowed["a flipped bit"] == 3
