"""Which bug a cycle takes comes from its seed: the same on every day, and every bug comes round."""

from __future__ import annotations

import pytest
from endurance.campaigns.seeded_bugs import place_of


@pytest.mark.parametrize("bugs", [4, 53, 60])
def test_as_many_cycles_as_there_are_bugs_take_each_once(bugs: int) -> None:
    assert sorted(place_of("2026", number, bugs) for number in range(bugs)) == list(range(bugs))


def test_another_base_begins_elsewhere() -> None:
    assert len({place_of(base, 0, 53) for base in ("1", "2", "3", "4", "5")}) > 1


def test_a_run_that_is_resumed_with_a_longer_table_leaves_none_out() -> None:
    before = [place_of("2026", number, 53) for number in range(50)]
    after = [place_of("2026", number, 60) for number in range(50, 60)]

    assert sorted(before + after) == list(range(60))
