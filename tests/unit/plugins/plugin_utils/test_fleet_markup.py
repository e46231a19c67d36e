# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""The fleet's page: well formed, alone, and never fooled by what a host says."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from ansible_collections.dtr.caches.plugins.plugin_utils.fleet_markup import fleet_document

HOST = {"host": "cache-asia", "state": "well", "why": [], "version": "0.2.0", "certificate_days": 1,
        "certificate_ends": "2027-01-31", "used_bytes": 1500, "max_bytes": 3000, "free_bytes": 10**12,
        "total_bytes": None, "hit_ratio": 0.999, "requests": 1000, "listens": True}
ROW = {"region": "asia", "name": "region-asia", "address": "https://asia.example.com:5000", "parent": "DTR",
       "state": "well", "why": [], "hosts": [HOST], "registered": "right", "users": ["alice"], "missing": []}
VOID = {"meta", "link", "br"}


class Balanced(HTMLParser):
    """Every tag that opens is closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def drawn(*rows):
    return fleet_document(list(rows), "2026-11-24 16:00 UTC", "https://dtr.example.com")


def test_the_page_is_well_formed_and_says_what_it_was_given():
    page = drawn(ROW)
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    for words in ("asia", "0.2.0", "99 %", "1.5 kB", "1.0 TB free", "1 day", "Used by 1 account: alice",
                  "registered in DTR"):
        assert words in page


def test_the_page_loads_nothing_and_runs_nothing():
    page = drawn(ROW)
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,"]
    assert "default-src 'none'" in page


def test_what_a_host_or_dtr_says_is_never_markup():
    smuggled = '<img src=x onerror="x">'
    host = HOST | {"why": [smuggled], "host": smuggled, "version": smuggled, "certificate_ends": smuggled}
    names = dict.fromkeys(("region", "name", "address", "parent"), smuggled)
    page = drawn(ROW | names | {"why": [smuggled], "users": [smuggled], "hosts": [host]})
    assert "<img" not in page
    assert 'onerror="' not in page


def test_the_head_tells_the_worst():
    assert "1 of 2 regions sick" in drawn(ROW | {"state": "sick"}, ROW)
    assert "1 of 2 regions to look at" in drawn(ROW | {"state": "care"}, ROW)
    assert "All of 1 region healthy" in drawn(ROW)
    assert "has no region yet" in drawn()


def test_what_is_unknown_is_a_dash_and_not_a_zero():
    unknown = dict.fromkeys(HOST) | {"host": "h", "state": "sick", "why": ["x"], "version": "", "certificate_ends": "",
                                     "requests": 0, "listens": False}
    page = drawn(ROW | {"hosts": [unknown]})
    assert "<dd>–</dd>" in page
    assert "not told" in page
    assert "0 %" not in page


def test_many_users_are_counted_and_some_are_named():
    page = drawn(ROW | {"users": [f"user-{number:02}" for number in range(40)]})
    assert "Used by 40 accounts" in page
    assert "and 28 more" in page
