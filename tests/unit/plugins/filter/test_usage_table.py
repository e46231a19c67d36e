# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Who uses what: no account is left out, and what needs attention is said."""

from __future__ import annotations

from ansible_collections.dtr.caches.plugins.filter.usage_table import usage_table

CACHES = [{"name": "region-china", "host": "https://china"}, {"name": "old", "host": "https://old"}]
REGIONS = [{"name": "region-china", "region": "china"}]


def account(name, cache="", deregistered=False):
    return {"account": name, "content_cache": cache, "deregistered": deregistered}


def lines(accounts, **more):
    return [" ".join(line.split()) for line in usage_table(accounts, CACHES, REGIONS, **more)]


def test_each_cache_has_a_line_with_its_region_and_users():
    told = lines([account("chen", "region-china"), account("bo", "region-china"), account("alice")])
    assert told[1:] == [
        "old https://old not in the inventory 0",
        "region-china https://china china 2 bo, chen",
        "(none) DTR itself 1 alice",
    ]


def test_accounts_whose_cache_is_forgotten_have_a_line_of_their_own():
    told = lines([account("dora", deregistered=True), account("alice")])
    assert told[-2:] == ["(none) DTR itself 1 alice", "(forgotten) DTR itself deregistered 1 dora"]


def test_a_long_list_is_cut_and_counted():
    told = lines([account(f"user{number}") for number in range(5)], shown=2)
    assert told[-1] == "(none) DTR itself 5 user0, user1 and 3 more"
