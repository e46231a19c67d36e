"""Both positions of every vendor contradiction."""

from __future__ import annotations

from typing import Any

import pytest
from dtr_simulator.quirks import QUIRKS, Quirks
from dtr_simulator.running import running_simulator

MISSING = "/api/v0/content_caches/00000000-0000-4000-8000-000000000000"
SETTINGS = "/api/v0/accounts/bob/settings"


def test_a_missing_cache_is_deleted_with_204_or_404(client: Any, contrary: Any) -> None:
    assert client.call("DELETE", MISSING, "admin").status_code == 204
    answer = contrary.call("DELETE", MISSING, "admin")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "NO_SUCH_CONTENT_CACHE")


def test_a_patch_of_settings_answers_with_them_or_with_nothing(client: Any, contrary: Any) -> None:
    body = {"contentCacheUUID": ""}
    assert client.call("PATCH", SETTINGS, "admin", json=body).json() == {"ContentCacheUUID": ""}
    answer = contrary.call("PATCH", SETTINGS, "admin", json=body)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(("position", "without", "with_slash"),
                         [("accept", 200, 200), ("only-slash", 404, 200), ("no-slash", 200, 404)])
def test_the_trailing_slash_of_the_collection_is_taken_as_switched(client_class: Any, position: str, without: int,
                                                                  with_slash: int) -> None:
    with running_simulator(quirks={"trailing-slash": position}) as simulator:
        asking = client_class(simulator)
        assert asking.call("GET", "/api/v0/content_caches", "bob").status_code == without
        assert asking.call("GET", "/api/v0/content_caches/", "bob").status_code == with_slash


def test_settings_without_a_cache_are_an_empty_text_or_null(client: Any, contrary: Any) -> None:
    assert client.call("GET", SETTINGS, "bob").json() == {"ContentCacheUUID": ""}
    assert contrary.call("GET", SETTINGS, "bob").json() == {"contentCacheUUID": None}


def test_settings_without_a_cache_may_lack_the_field(client_class: Any) -> None:
    with running_simulator(quirks={"unset-value": "absent"}) as simulator:
        assert client_class(simulator).call("GET", SETTINGS, "bob").json() == {}


def test_the_field_is_spelled_with_a_capital_or_a_lower_case_c(client: Any, contrary: Any) -> None:
    for asking, spelling in ((client, "ContentCacheUUID"), (contrary, "contentCacheUUID")):
        cache_id = asking.call("POST", "/api/v0/content_caches/", "admin",
                               json={"name": f"spelled-{spelling}", "host": "http://h:1"}).json()["id"]
        assert asking.call("PATCH", SETTINGS, "admin", json={"contentCacheUUID": cache_id}).status_code == 200
        assert asking.call("GET", SETTINGS, "bob").json() == {spelling: cache_id}
        asking.call("PATCH", SETTINGS, "admin", json={"contentCacheUUID": ""})


def test_the_answers_spelling_is_refused_or_taken_in_a_request(client: Any, contrary: Any) -> None:
    body = {"ContentCacheUUID": ""}
    assert client.call("PATCH", SETTINGS, "admin", json=body).status_code == 400
    assert contrary.call("PATCH", SETTINGS, "admin", json=body).status_code == 200


def test_a_cache_that_does_not_exist_is_refused_or_taken_in_settings(client: Any, contrary: Any) -> None:
    body = {"contentCacheUUID": "none-such"}
    assert client.call("PATCH", SETTINGS, "admin", json=body).json()["errors"][0]["code"] == "INVALID_USER_SETTINGS"
    assert contrary.call("PATCH", SETTINGS, "admin", json=body).status_code == 200
    contrary.call("PATCH", SETTINGS, "admin", json={"contentCacheUUID": ""})


def test_a_second_cache_of_the_same_name_is_taken_or_refused(client: Any, contrary: Any) -> None:
    body = {"name": "twice", "host": "http://h:1"}
    for asking, statuses in ((client, [201, 201]), (contrary, [201, 400])):
        answers = [asking.call("POST", "/api/v0/content_caches/", "admin", json=body) for _ in statuses]
        assert [answer.status_code for answer in answers] == statuses


def test_settings_keep_or_lose_a_deleted_cache(client: Any, contrary: Any) -> None:
    for asking, left in ((client, True), (contrary, False)):
        cache_id = asking.call("POST", "/api/v0/content_caches/", "admin",
                               json={"name": "short-lived", "host": "http://h:1"}).json()["id"]
        asking.call("PATCH", SETTINGS, "admin", json={"contentCacheUUID": cache_id})
        assert asking.call("DELETE", f"/api/v0/content_caches/{cache_id}", "admin").status_code == 204
        shown = next(iter(asking.call("GET", SETTINGS, "bob").json().values()))
        assert (shown == cache_id) is left
        asking.call("PATCH", SETTINGS, "admin", json={"contentCacheUUID": ""})


def test_a_host_is_stored_as_given_or_normalised(client: Any, contrary: Any) -> None:
    body = {"name": "capital", "host": "https://Cache.Example:5000/"}
    hosts = [asking.call("POST", "/api/v0/content_caches/", "admin", json=body).json()["host"]
             for asking in (client, contrary)]
    assert hosts == ["https://Cache.Example:5000/", "https://cache.example:5000"]


def test_caches_are_listed_in_order_of_creation_or_newest_first(client: Any, contrary: Any) -> None:
    for asking, order in ((client, ["order-1", "order-2"]), (contrary, ["order-2", "order-1"])):
        for name in ("order-1", "order-2"):
            asking.call("POST", "/api/v0/content_caches/", "admin", json={"name": name, "host": "http://h:1"})
        listed = asking.call("GET", "/api/v0/content_caches/", "bob").json()
        assert [one["name"] for one in listed if one["name"].startswith("order-")] == order


@pytest.mark.parametrize(("form", "kind", "part"), [("text", "text/plain", "404: A content cache"),
                                                    ("html", "text/html", "<h1>404 A content"), ("empty", None, "")])
def test_errors_may_come_without_json(client_class: Any, form: str, kind: str | None, part: str) -> None:
    with running_simulator(quirks={"error-body": form}) as simulator:
        answer = client_class(simulator).call("GET", MISSING, "bob")
        assert answer.status_code == 404
        assert (answer.headers.get("Content-Type") or "").partition(";")[0] == (kind or "")
        assert part in answer.text
        assert bool(answer.text) is bool(part)


def test_the_start_of_an_account_page_is_part_of_it_or_not(client: Any, contrary: Any) -> None:
    path = "/enzi/v0/accounts?filter=users&start=alice"
    names = [[one["name"] for one in asking.call("GET", path, "bob").json()["accounts"]]
             for asking in (client, contrary)]
    assert names == [["alice", "bob", "gone", "writer"], ["bob", "gone", "writer"]]


def test_a_large_account_page_is_given_or_cut(client_class: Any) -> None:
    many = {"accounts": [{"name": f"user{number:02}", "password": "p"} for number in range(25)]}
    for position, count in (("as-asked", 25), ("at-most-10", 10)):
        with running_simulator(accounts=many, quirks={"accounts-page": position}) as simulator:
            answer = client_class(simulator).call("GET", "/enzi/v0/accounts?limit=100", "user00")
            assert len(answer.json()["accounts"]) == count


@pytest.mark.parametrize("field", ["token", "access_token"])
def test_the_token_service_may_name_the_token_in_one_way_only(client_class: Any, field: str) -> None:
    with running_simulator(quirks={"token-field": field}) as simulator:
        answer = client_class(simulator).call("GET", "/auth/token", "alice").json()
        assert [key for key in answer if "token" in key] == [field]


def test_every_switch_is_named_in_a_test_of_this_file() -> None:
    tested = {"delete-missing", "patch-reply", "trailing-slash", "unset-value", "settings-key", "patch-key",
              "unknown-uuid", "duplicate-names", "deleted-cache", "host-form", "list-order", "error-body",
              "accounts-start", "accounts-page", "token-field"}
    assert set(QUIRKS) == tested


def test_the_default_is_the_first_position_of_each_switch() -> None:
    assert all(Quirks()[name] == quirk.positions[0] for name, quirk in QUIRKS.items())
