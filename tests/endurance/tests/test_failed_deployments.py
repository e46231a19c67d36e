"""Which failure a cycle of the failed deployments has."""

from __future__ import annotations

import pytest
from endurance.campaigns.failed_deployments import FAILURES, FailedDeployments, case_of


@pytest.mark.parametrize("base", ["1", "7", "a whole release"])
def test_a_whole_run_lets_every_failure_meet_a_host_without_a_cache_and_one_with(base: str) -> None:
    cases = {(failure.name, fresh) for failure, fresh in map(case_of, (f"{base}:{number}" for number in range(48)))}
    assert len(FAILURES) == 24
    assert cases == {(failure.name, fresh) for failure in FAILURES for fresh in (True, False)}
    assert FailedDeployments.full == len(cases)


def test_where_a_run_begins_goes_round_with_its_base() -> None:
    seen = {case_of(f"{base}:0")[0].name for base in range(200)}
    assert seen == {failure.name for failure in FAILURES}


def test_every_failure_but_a_harmless_one_has_words_that_must_be_said() -> None:
    assert [one.name for one in FAILURES if not one.says and not one.harmless] == []
