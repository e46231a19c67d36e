# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What counts as sick, what as worth a look, and that nothing unknown counts as well."""

from __future__ import annotations

from copy import deepcopy

import pytest
from ansible_collections.dtr.caches.plugins.plugin_utils.fleet_judgement import judged_regions, plainly

ASIA = {"region": "asia", "name": "region-asia", "host": "https://asia.example.com:5000", "parent": "",
        "accounts": ["alice"], "hosts": ["cache-asia"]}
CHINA = ASIA | {"region": "china", "name": "region-china", "host": "https://china.example.com:5000", "parent": "asia",
                "accounts": [], "hosts": ["cache-china"]}
CACHES = [{"name": "region-asia", "host": "https://asia.example.com:5000"},
          {"name": "region-china", "host": "https://china.example.com:5000/"}]
ACCOUNTS = [{"account": "alice", "content_cache": "region-asia"}]
WELL = {
    "reached": True, "problem": "", "answers": "",
    "facts": {"version": "0.2.0", "free_bytes": 5,
              "certificate": {"days_left": 60, "not_after": "2027-01-31T00:00:00Z"}},
    "status": {"release": "0.2.0", "health": {"state": "well", "checks": [{"name": "volume", "reason": None}]},
               "days": [{"requests": 4, "hits": 3}], "space": {"used_bytes": 7, "free_bytes": 9, "max_bytes": None}},
}


def told(**changes):
    return deepcopy(WELL) | changes


def sick_with(state):
    status = deepcopy(WELL["status"])
    status["health"] = {"state": state, "checks": [{"name": "volume", "reason": "read-only file system"}]}
    return told(status=status)


def ending_in(days):
    return told(facts={"certificate": {"days_left": days, "not_after": "2026-12-01T00:00:00Z"}})


def row(host=WELL, *, caches=CACHES, accounts=ACCOUNTS, days=14):
    return judged_regions([ASIA], {"cache-asia": host}, caches, accounts, days)[0]


def everything_said(found):
    return [*found["why"], *(words for host in found["hosts"] for words in host["why"])]


def test_a_region_without_a_fault_is_well_and_has_nothing_to_say():
    found = row()
    assert (found["state"], everything_said(found)) == ("well", [])
    host = found["hosts"][0]
    assert (host["hit_ratio"], host["requests"], host["version"], host["certificate_days"]) == (0.75, 4, "0.2.0", 60)
    assert (host["used_bytes"], host["free_bytes"]) == (7, 9)


@pytest.mark.parametrize(
    ("host", "state", "words"),
    [
        ({}, "sick", "does not reach the host: no reason given"),
        (told(reached=False, problem="timed out"), "sick", "does not reach the host: timed out"),
        (told(problem="Ask for its version: no such container"), "sick", "no such container"),
        (told(answers="connection refused", status={}), "sick", "connection refused"),
        (told(answers="connection refused"), "care", "connection refused"),
        (sick_with("sick"), "sick", "volume: read-only file system"),
        (sick_with("not-ready"), "sick", "not ready for clients"),
        (sick_with("by-memory"), "care", "no upstream has answered lately"),
        (ending_in(13), "care", "its certificate ends on 2026-12-01"),
        (ending_in(-1), "sick", "its certificate ended on 2026-12-01"),
    ],
)
def test_a_fault_of_a_host_is_said(host, state, words):
    found = row(host)
    assert found["state"] == found["hosts"][0]["state"] == state
    assert words in " ".join(everything_said(found))


@pytest.mark.parametrize(
    ("caches", "registered", "state", "words"),
    [
        ([], "missing", "sick", "does not know a cache named region-asia"),
        ([{"name": "region-asia", "host": "https://old.example.com"}], "wrong", "sick", "to https://old.example.com"),
        (None, "unknown", "care", "DTR did not say"),
    ],
)
def test_a_wrong_registration_is_said(caches, registered, state, words):
    found = row(caches=caches)
    assert (found["registered"], found["state"]) == (registered, state)
    assert words in " ".join(found["why"])


def test_an_account_of_the_inventory_that_does_not_use_it_is_named():
    found = row(accounts=[{"account": "bob", "content_cache": "region-asia"}])
    assert (found["users"], found["missing"], found["state"]) == (["bob"], ["alice"], "care")
    assert found["why"] == ["not using it, though listed: alice"]


def test_a_cache_without_a_listener_for_people_has_what_the_host_knows():
    host = row(told(status={}))["hosts"][0]
    assert (host["version"], host["free_bytes"], host["hit_ratio"], host["listens"]) == ("0.2.0", 5, None, False)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Status code was -1 and not [200, 401]: Request failed: <urlopen error [Errno 111] Connection refused>",
         "Connection refused"),
        ("Status code was 503 and not [200, 401]: HTTP Error 503: Service Unavailable",
         "HTTP Error 503: Service Unavailable"),
        ("certificate verify failed", "certificate verify failed"),
    ],
)
def test_the_reason_is_said_without_the_tools_own_words(said, words):
    assert plainly(said) == words


def test_the_sick_come_first():
    found = judged_regions([ASIA, CHINA], {"cache-asia": WELL, "cache-china": {}}, CACHES, ACCOUNTS, 14)
    assert [one["region"] for one in found] == ["china", "asia"]


def test_regions_that_nobody_asked_about_are_left_out():
    found = judged_regions([ASIA, CHINA], {"cache-asia": WELL}, CACHES, ACCOUNTS, 14)
    assert [one["region"] for one in found] == ["asia"]


def test_only_the_last_seven_days_count():
    days = [{"requests": 100, "hits": 0}] + [{"requests": 1, "hits": 1}] * 7
    assert row(told(status=WELL["status"] | {"days": days}))["hosts"][0]["hit_ratio"] == 1.0
