"""Which cycles a replay runs."""

from __future__ import annotations

import pytest
from endurance.campaign import Campaign
from endurance.campaigns.kills import Kills
from endurance.campaigns.seam import Seam


@pytest.mark.parametrize(
    ("campaign", "seed", "seeds"),
    [
        (Seam, "any seed", ["any seed"]),
        (Kills, "2026:0", ["2026:0"]),
        (Kills, "a:b:12", ["a:b:10", "a:b:11", "a:b:12"]),
        (Kills, "1:19", [f"1:{number}" for number in range(10, 20)]),
    ],
)
def test_a_replay_begins_where_the_volume_was_empty(campaign: type[Campaign], seed: str, seeds: list[str]) -> None:
    assert campaign.leading_to(seed) == seeds
