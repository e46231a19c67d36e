# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""The last word of a deployment tells what DTR says."""

from __future__ import annotations

from ansible_collections.dtr.caches.plugins.filter.region_table import region_table

REGIONS = [
    {"region": "asia", "name": "region-asia", "host": "https://asia:5000", "parent": "", "accounts": ["alice", "bob"]},
    {"region": "china", "name": "region-china", "host": "https://china:5000", "parent": "asia", "accounts": []},
]



def test_a_registered_region_counts_the_accounts_that_really_use_it():
    uses = [{"account": "alice", "content_cache": "region-asia"}, {"account": "bob", "content_cache": ""}]
    asia = " ".join(region_table(REGIONS, [{"name": "region-asia", "host": "https://asia:5000/"}], uses)[1].split())
    assert asia == "asia https://asia:5000 DTR yes 1 of 2"


def test_a_region_that_dtr_does_not_know_or_knows_otherwise_is_told_so():
    table = region_table(REGIONS, [{"name": "region-china", "host": "https://elsewhere"}], [])
    assert " no " in table[1]
    assert "as https://elsewhere" in table[2]
    assert "asia" in table[2]


def test_the_columns_stand_below_each_other():
    head, *lines = region_table(REGIONS, [], [])
    assert all(line[head.index("pulls from") - 1] == " " for line in lines)
