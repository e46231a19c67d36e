"""Which cases the campaigns on deployments have: all of them come round in a whole run."""

from __future__ import annotations

import pytest
from endurance.campaigns import one_host_of_three
from endurance.campaigns.killed_plays import boundary_of


@pytest.mark.parametrize("base", ["1", "7", "a whole release"])
@pytest.mark.parametrize("results", [1, 36, 37, 74, 111])
def test_a_controller_dies_after_each_result_once(base: str, results: int) -> None:
    boundaries = [boundary_of(f"{base}:{number}", results) for number in range(results)]

    assert sorted(boundaries) == list(range(1, results + 1))


@pytest.mark.parametrize("base", ["1", "7", "a whole release"])
def test_every_failure_meets_each_of_three_hosts_with_a_cache_and_without(base: str) -> None:
    cases = {one_host_of_three.case_of(f"{base}:{number}") for number in range(one_host_of_three.OneHostOfThree.full)}

    assert len(cases) == one_host_of_three.OneHostOfThree.full == 24
