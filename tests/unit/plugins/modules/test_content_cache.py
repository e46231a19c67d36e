"""The registration of a content cache, wanted × found × check mode, against a simulated DTR."""

from __future__ import annotations

import pytest
import requests

OLD, NEW = "https://old.example.com:5000", "https://new.example.com:5000"


def register(run_module, dtr, host, name="region-asia"):
    return run_module("content_cache", name=name, host=host, **dtr.options())["content_cache"]["id"]


def post(dtr, host):
    """Register behind the module's back, as DTR's own web page would. The answer's id."""
    answer = requests.post(
        dtr.simulator.url + "/api/v0/content_caches",
        json={"name": "region-asia", "host": host},
        auth=("admin", dtr.simulator.password("admin")),
        verify=str(dtr.simulator.ca_path),
        timeout=10,
    )
    assert answer.status_code == 201
    return answer.json()["id"]


def use(run_module, dtr, accounts, cache="region-asia"):
    run_module("account_settings", accounts=accounts, content_cache=cache, **dtr.options())


def registered(run_module, dtr):
    return [(one["name"], one["host"]) for one in run_module("content_cache_info", **dtr.options())["content_caches"]]


def users(run_module, dtr):
    rows = run_module("account_settings_info", accounts=["alice", "bob"], **dtr.options())["accounts"]
    return {one["account"]: one["host"] for one in rows}


TRUTH = [
    # found, wanted state, wanted host, changed, hosts afterwards
    (None, "present", NEW, True, [NEW]),
    (NEW, "present", NEW, False, [NEW]),
    (NEW, "present", NEW + "/", False, [NEW]),
    ("HTTPS://NEW.example.com:5000/", "present", NEW, False, ["HTTPS://NEW.example.com:5000/"]),
    (OLD, "present", NEW, True, [NEW]),
    (None, "absent", None, False, []),
    (OLD, "absent", None, True, []),
    (OLD, "absent", OLD, True, []),
    (OLD, "absent", NEW, False, [OLD]),
]


@pytest.mark.parametrize(("found", "state", "host", "changed", "after"), TRUTH)
def test_check_mode_foretells_exactly_what_a_run_does_and_a_second_run_does_nothing(
    run_module, dtr, found, state, host, changed, after
):
    if found:
        post(dtr, found)
    task = {"name": "region-asia", "state": state, **({"host": host} if host else {}), **dtr.options()}
    before = registered(run_module, dtr)
    dtr.simulator.forget_requests()

    foretold = run_module("content_cache", check=True, **task)
    assert dtr.writes() == []
    done = run_module("content_cache", **task)
    assert bool(dtr.writes()) == changed
    dtr.simulator.forget_requests()
    again = run_module("content_cache", **task)

    assert (foretold["changed"], done["changed"], again["changed"]) == (changed, changed, False)
    assert foretold["diff"] == done["diff"]
    assert (done["diff"]["before"] != done["diff"]["after"]) == changed
    assert dtr.writes() == []
    assert [one[1] for one in registered(run_module, dtr)] == after
    assert changed == (before != registered(run_module, dtr))


@pytest.mark.parametrize(
    ("duplicate_names", "deleted_cache", "settings_key"),
    [
        ("accept", "dangling", "capital"),
        ("refuse", "dangling", "lower"),
        ("refuse", "cleared", "capital"),
        ("accept", "cleared", "lower"),
    ],
)
def test_a_changed_host_takes_its_accounts_along_in_both_positions_of_the_contradictions(
    run_module, dtr_with, duplicate_names, deleted_cache, settings_key
):
    dtr = dtr_with(
        duplicate_names=duplicate_names,
        deleted_cache=deleted_cache,
        settings_key=settings_key,
        accounts_page="at-most-10",
    )
    register(run_module, dtr, OLD)
    use(run_module, dtr, ["alice"])
    foretold = run_module("content_cache", check=True, name="region-asia", host=NEW, **dtr.options())
    done = run_module("content_cache", name="region-asia", host=NEW, **dtr.options())
    assert done["moved_accounts"] == ["alice"] == foretold["moved_accounts"]
    assert done["diff"]["before"]["accounts"] == {"alice": OLD}
    assert done["diff"]["after"]["accounts"] == {"alice": NEW}
    assert users(run_module, dtr) == {"alice": NEW, "bob": ""}
    assert registered(run_module, dtr) == [("region-asia", NEW)]


def test_the_accounts_follow_before_the_old_cache_goes(run_module, dtr):
    register(run_module, dtr, OLD)
    use(run_module, dtr, ["alice", "bob"])
    dtr.simulator.forget_requests()
    run_module("content_cache", name="region-asia", host=NEW, **dtr.options())
    assert [method for method, _path in dtr.writes()] == ["POST", "PATCH", "PATCH", "DELETE"]


def test_a_half_done_change_is_finished(run_module, dtr):
    old = register(run_module, dtr, OLD)
    use(run_module, dtr, ["alice"])
    post(dtr, NEW)
    finished = run_module("content_cache", name="region-asia", host=NEW, **dtr.options())
    assert finished["changed"]
    assert [one["id"] for one in finished["removed"]] == [old]
    assert users(run_module, dtr) == {"alice": NEW, "bob": ""}
    assert registered(run_module, dtr) == [("region-asia", NEW)]


def test_duplicated_names_are_listed_with_id_and_host_and_can_be_removed_by_host(run_module, dtr):
    ids = [post(dtr, host) for host in (OLD, OLD, "http://third.example.com")]
    dtr.simulator.forget_requests()
    for state in ({"host": NEW}, {"state": "absent"}):
        refused = run_module("content_cache", name="region-asia", **state, **dtr.options())
        assert all(f"id {one}" in refused.sentence for one in ids)
        assert OLD in refused.sentence
        assert "http://third.example.com" in refused.sentence
    assert dtr.writes() == []
    run_module("content_cache", name="region-asia", state="absent", host=OLD, **dtr.options())
    assert registered(run_module, dtr) == [("region-asia", "http://third.example.com")]


def test_a_cache_in_use_is_not_removed_unless_its_accounts_may_be_pointed_away(run_module, dtr):
    register(run_module, dtr, OLD)
    use(run_module, dtr, ["alice", "bob"])
    task = {"name": "region-asia", "state": "absent", **dtr.options()}
    dtr.simulator.forget_requests()
    for check in (True, False):
        refused = run_module("content_cache", check=check, **task)
        assert "alice, bob" in refused.sentence
        assert refused["accounts"] == ["alice", "bob"]
    assert dtr.writes() == []
    cleared = run_module("content_cache", accounts_of_removed="clear", **task)
    assert cleared["moved_accounts"] == ["alice", "bob"]
    assert users(run_module, dtr) == {"alice": "", "bob": ""}


def test_ignoring_the_accounts_asks_for_none_of_them(run_module, dtr):
    register(run_module, dtr, OLD)
    use(run_module, dtr, ["alice"])
    dtr.simulator.forget_requests()
    run_module("content_cache", name="region-asia", state="absent", accounts_of_removed="ignore", **dtr.options())
    assert [one["path"] for one in dtr.simulator.requests() if "accounts" in one["path"]] == []


@pytest.mark.parametrize(
    ("trailing_slash", "delete_missing"), [("only-slash", "204"), ("no-slash", "404"), ("accept", "404")]
)
def test_both_forms_of_the_path_are_found(run_module, dtr_with, trailing_slash, delete_missing):
    dtr = dtr_with(trailing_slash=trailing_slash, delete_missing=delete_missing, host_form="normalised")
    assert run_module("content_cache", name="a", host=NEW, **dtr.options())["changed"]
    assert not run_module("content_cache", name="a", host=NEW, **dtr.options())["changed"]
    assert run_module("content_cache", name="a", state="absent", **dtr.options())["changed"]


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("cache.example.com:5000", "without http:// or https:// in front"),
        ("ftp://cache.example.com", "scheme is 'ftp'"),
        ("https://cache.example.com/v2", "something behind host and port"),
        ("https://cache.example.com?x=1", "something behind host and port"),
        ("https://:5000", "missing or malformed"),
        ("https://cache.example.com:99999", "cannot be read"),
        ("https://ca che.example.com", "missing or malformed"),
        ("", "host is empty"),
    ],
)
def test_a_host_that_no_client_could_follow_is_refused_before_anything_is_asked(run_module, dtr, host, words):
    refused = run_module("content_cache", name="a", host=host, **dtr.options())
    assert words in refused.sentence
    assert refused.sentence.startswith("host is ")
    assert dtr.simulator.requests() == []


def test_a_password_in_the_host_is_refused_and_hidden(run_module, dtr):
    refused = run_module("content_cache", name="a", host="https://me:canary-77@cache.example.com", **dtr.options())
    assert "user name or password" in refused.sentence
    assert "canary-77" not in refused.output


def test_somebody_who_is_no_admin_is_told_what_it_takes(run_module, dtr):
    refused = run_module("content_cache", name="a", host=NEW, **dtr.options("alice"))
    assert "account alice" in refused.sentence
    assert "system admin" in refused.sentence
    assert dtr.simulator.url in refused.sentence
