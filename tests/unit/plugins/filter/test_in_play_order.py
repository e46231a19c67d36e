# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Which host speaks for its region: the same one in every run."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from ansible_collections.dtr.caches.plugins.filter.in_play_order import in_play_order

PLAYBOOKS = Path(__file__).parents[4] / "playbooks"


@pytest.mark.parametrize("members", list(permutations(["a1", "a2", "a3"])))
def test_the_plays_order_counts_and_not_the_regions(members):
    assert in_play_order(members, ["b1", "a2", "a1", "b2", "a3"]) == ["a2", "a1", "a3"]


def test_hosts_that_the_play_does_not_have_are_left_out():
    assert in_play_order(["a1", "a2", "a3"], ["a2"]) == ["a2"]
    assert in_play_order(["a1"], ["b1"]) == []


def test_no_playbook_takes_the_first_or_last_of_what_has_another_order_in_each_run():
    shuffled = [f"{path.name}: {line.strip()}" for path in PLAYBOOKS.rglob("*.yml")
                for line in path.read_text(encoding="utf-8").splitlines()
                if any(f"{word}(" in line for word in ("intersect", "union", "difference", "unique"))
                and any(f"| {word}" in line for word in ("first", "last", "join"))]
    assert shuffled == []
