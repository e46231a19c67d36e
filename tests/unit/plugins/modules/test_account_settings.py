"""Pointing accounts at a cache, wanted × found × check mode, against a simulated DTR."""

from __future__ import annotations

import pytest

HOST = "https://cache.example.com:5000"


@pytest.fixture
def two_caches(run_module, dtr):
    for name in ("region-asia", "region-china"):
        run_module("content_cache", name=name, host=f"https://{name}.example.com", **dtr.options())
    return dtr


def point(run_module, dtr, cache, *accounts):
    run_module("account_settings", accounts=list(accounts), content_cache=cache, **dtr.options())


def used(run_module, dtr, *accounts):
    rows = run_module("account_settings_info", accounts=list(accounts), **dtr.options())["accounts"]
    return [one["content_cache"] for one in rows]


@pytest.mark.parametrize("found", ["", "region-asia", "region-china"])
@pytest.mark.parametrize("wanted", ["", "region-asia"])
def test_check_mode_foretells_exactly_what_a_run_does_and_a_second_run_does_nothing(
    run_module, two_caches, found, wanted
):
    dtr = two_caches
    point(run_module, dtr, found, "alice")
    task = {"account": "alice", "content_cache": wanted, **dtr.options()}
    dtr.simulator.forget_requests()
    foretold = run_module("account_settings", check=True, **task)
    assert dtr.writes() == []
    done = run_module("account_settings", **task)
    written = dtr.writes()
    again = run_module("account_settings", **task)
    differs = found != wanted
    assert (foretold["changed"], done["changed"], again["changed"]) == (differs, differs, False)
    assert (
        foretold["diff"] == done["diff"] == {
            "before": {"alice": found} if differs else {},
            "after": {"alice": wanted} if differs else {},
            "before_header": "content cache of accounts",
            "after_header": "content cache of accounts",
        }
    )
    assert foretold["accounts"] == done["accounts"]
    assert written == ([("PATCH", "/api/v0/accounts/alice/settings")] if differs else [])
    assert dtr.writes() == written
    assert used(run_module, dtr, "alice") == [wanted]


@pytest.mark.parametrize(
    ("settings_key", "unset_value", "patch_reply"),
    [
        ("capital", "empty", "settings"),
        ("lower", "null", "empty"),
        ("lower", "absent", "settings"),
        ("capital", "null", "empty"),
    ],
)
def test_every_spelling_of_the_settings_is_read(run_module, dtr_with, settings_key, unset_value, patch_reply):
    dtr = dtr_with(settings_key=settings_key, unset_value=unset_value, patch_reply=patch_reply)
    run_module("content_cache", name="a", host=HOST, **dtr.options())
    for wanted in ("a", ""):
        task = {"account": "alice", "content_cache": wanted, **dtr.options()}
        assert run_module("account_settings", **task)["changed"]
        assert not run_module("account_settings", **task)["changed"]


def test_no_call_is_made_that_is_not_needed(run_module, two_caches):
    dtr = two_caches
    point(run_module, dtr, "region-asia", "alice")
    dtr.simulator.forget_requests()
    done = run_module(
        "account_settings", accounts=["alice", "bob", "alice"], content_cache="region-asia", **dtr.options()
    )
    calls = [(one["method"], one["path"]) for one in dtr.simulator.requests()]
    assert sorted(calls) == [
        ("GET", "/api/v0/accounts/alice/settings"),
        ("GET", "/api/v0/accounts/bob/settings"),
        ("GET", "/api/v0/content_caches"),
        ("PATCH", "/api/v0/accounts/bob/settings"),
    ]
    assert done["changed_accounts"] == ["bob"]
    assert done["msg"] == "1 of 2 accounts changed to region-asia."


def test_all_unknown_names_are_reported_together_before_anything_changes(run_module, two_caches):
    dtr = two_caches
    dtr.simulator.forget_requests()
    for check in (True, False):
        refused = run_module(
            "account_settings",
            check=check,
            accounts=["alice", "nobody", "none"],
            content_cache="region-mars",
            **dtr.options(),
        )
        assert "no content cache named region-mars; it has: region-asia, region-china" in refused.sentence
        assert "no account named nobody, none" in refused.sentence
        assert refused["unknown_accounts"] == ["nobody", "none"]
    assert dtr.writes() == []


@pytest.mark.parametrize(
    ("accounts_start", "accounts_page"),
    [("inclusive", "as-asked"), ("exclusive", "at-most-10"), ("inclusive", "at-most-10")],
)
def test_a_filter_reaches_every_account_of_its_prefix_and_no_other(run_module, dtr_with, accounts_start, accounts_page):
    dtr = dtr_with(accounts_start=accounts_start, accounts_page=accounts_page)
    run_module("content_cache", name="a", host=HOST, **dtr.options())
    done = run_module("account_settings", filter="users", prefix="user", content_cache="a", **dtr.options())
    assert done["changed_accounts"] == [f"user{number:02}" for number in range(25)]
    admins = run_module("account_settings_info", filter="admins", **dtr.options())
    assert [one["account"] for one in admins["accounts"]] == ["admin"]
    everybody = run_module("account_settings_info", filter="users", **dtr.options())
    assert {key: len(names) for key, names in everybody["accounts_by_content_cache"].items()} == {"": 3, "a": 25}


def test_an_office_moves_to_another_cache_and_the_others_stay(run_module, two_caches):
    dtr = two_caches
    point(run_module, dtr, "region-china", "alice")
    point(run_module, dtr, "", "bob")
    moved = run_module(
        "account_settings", filter="users", only_using="region-china", content_cache="region-asia", **dtr.options()
    )
    assert moved["changed_accounts"] == ["alice"]
    assert used(run_module, dtr, "alice", "bob") == ["region-asia", ""]


def test_an_account_may_change_its_own_settings_and_no_others(run_module, two_caches):
    dtr = two_caches
    point(run_module, dtr, "", "alice", "bob")
    own = run_module("account_settings", account="alice", content_cache="region-asia", **dtr.options("alice"))
    assert own["changed"]
    others = run_module("account_settings", account="bob", content_cache="region-asia", **dtr.options("alice"))
    assert "account alice" in others.sentence
    assert "settings of account bob" in others.sentence


def test_an_empty_list_of_accounts_is_no_account(run_module, two_caches):
    done = run_module("account_settings", accounts=[], content_cache="region-asia", **two_caches.options())
    assert (done["changed"], done["accounts"]) == (False, [])


def test_a_setting_whose_cache_is_gone_is_shown_as_such_and_can_be_replaced(run_module, two_caches):
    dtr = two_caches
    point(run_module, dtr, "region-china", "alice")
    run_module("content_cache", name="region-china", state="absent", accounts_of_removed="ignore", **dtr.options())
    (row,) = run_module("account_settings_info", account="alice", **dtr.options())["accounts"]
    assert (row["deregistered"], row["content_cache"], row["host"]) == (True, "", "")
    done = run_module("account_settings", account="alice", content_cache="region-asia", **dtr.options())
    assert "deregistered" in done["diff"]["before"]["alice"]


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({}, "account, accounts, filter"),
        ({"account": "alice", "filter": "users"}, "mutually exclusive"),
        ({"accounts": ["alice", " "]}, "account name is empty"),
        ({"account": "alice", "prefix": "a"}, "filter"),
        ({"account": ".."}, "'..' is no name"),
    ],
)
def test_a_selection_that_means_nothing_is_refused(run_module, two_caches, selection, words):
    two_caches.simulator.forget_requests()
    refused = run_module("account_settings", content_cache="region-asia", **selection, **two_caches.options())
    assert words in refused.sentence
    assert two_caches.writes() == []


@pytest.mark.parametrize("name", ["a b", "../../content_caches", "alice/settings?x=", "ä"])
def test_a_strange_name_never_becomes_another_path(run_module, two_caches, name):
    two_caches.simulator.forget_requests()
    refused = run_module("account_settings", account=name, content_cache="", **two_caches.options())
    assert refused["unknown_accounts"] == [name]
    paths = {one["path"] for one in two_caches.simulator.requests()}
    assert all(path == "/api/v0/content_caches" or path.count("/") == 5 for path in paths)
