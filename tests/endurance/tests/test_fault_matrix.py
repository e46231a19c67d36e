"""What is said to prove a promise exists; every campaign proves something; every bug of ours is held by a test."""

from __future__ import annotations

import pytest
from endurance.__main__ import CAMPAIGNS, TEETH
from endurance.held import Fault, RealBug, read_faults, read_real_bugs
from endurance.seeded import CHECKOUT

NAMES = {campaign.name for campaign in CAMPAIGNS}
FAULTS, BUGS = read_faults(), read_real_bugs()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.fault)
def test_each_proof_exists(fault: Fault) -> None:
    assert fault.proof
    for proof in fault.proof:
        assert proof in NAMES or (CHECKOUT / "cache_runtime/tests" / proof).is_file(), proof


def test_every_campaign_proves_something_and_can_be_blind() -> None:
    proving = {proof for fault in FAULTS for proof in fault.proof} | {"seeded bugs"}

    assert proving >= NAMES
    assert {campaign.name for campaign, _ in TEETH} == NAMES


@pytest.mark.parametrize("bug", BUGS, ids=lambda one: one.bug)
def test_each_bug_of_ours_is_held_by_a_test_that_exists(bug: RealBug) -> None:
    file, _, test = bug.held_by.partition("::")

    text = (CHECKOUT / file).read_text(encoding="utf-8")
    assert f"def {test or 'test_'}" in text
