"""Names resolved to caches, and how a setting is shown."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.account_selection import cache_label, cache_named
from ansible_collections.dtr.caches.plugins.module_utils.content_caches import ContentCache
from ansible_collections.dtr.caches.plugins.module_utils.errors import DuplicateNames, UnknownName

A, TWIN, B = ContentCache("1", "a", "http://a"), ContentCache("2", "a", "http://a2"), ContentCache("3", "b", "http://b")


def test_a_name_is_one_cache_and_the_empty_name_is_none():
    assert cache_named("b", [A, B]) == B
    assert cache_named("", [A, B]) is None


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match="named c; it has: a, b"):
        cache_named("c", [B, A, TWIN])
    with pytest.raises(UnknownName, match="it has: none"):
        cache_named("c", [])


def test_a_duplicated_name_cannot_be_used_and_its_caches_and_the_ways_out_are_listed():
    with pytest.raises(DuplicateNames, match=r"id 1 with host http://a; id 2 with host http://a2; .*deploy-caches"):
        cache_named("a", [A, TWIN, B])


def test_a_setting_is_shown_by_name_or_as_what_it_is():
    assert cache_label("3", {"3": B}) == "b"
    assert cache_label("", {"3": B}) == ""
    assert cache_label("9", {"3": B}) == "(deregistered cache 9)"
