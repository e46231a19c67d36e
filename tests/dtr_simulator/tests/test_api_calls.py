"""Calls beyond what the specifications list: open pages, account pages, bad input."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.mark.parametrize("path", ["/", "/ca", "/_ping", "/health", "/nginx_status", "/.well-known/dtr-content-cache"])
def test_open_pages_need_no_login(client: Any, path: str) -> None:
    assert client.call("GET", path).status_code == 200


def test_every_answer_has_the_vendors_security_headers(client: Any) -> None:
    for path in ("/_ping", "/v2/", "/api/v0/content_caches", "/none"):
        headers = client.call("GET", path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Strict-Transport-Security" in headers


def test_account_pages_lead_from_one_to_the_next(client: Any) -> None:
    seen: list[str] = []
    while True:
        start = f"&start={seen[-1]}" if seen else ""
        found = client.call("GET", f"/enzi/v0/accounts?filter=all&limit=2{start}", "bob").json()["accounts"]
        fresh = [one["name"] for one in found if one["name"] not in seen]
        if not fresh:
            break
        seen += fresh
    assert seen == ["admin", "alice", "bob", "gone", "org", "writer"]


@pytest.mark.parametrize(("kind", "names"), [
    ("users", ["admin", "alice", "bob", "gone", "writer"]), ("orgs", ["org"]), ("admins", ["admin"]),
    ("non-admins", ["alice", "bob", "gone", "writer"])])
def test_the_account_filter_is_obeyed(client: Any, kind: str, names: list[str]) -> None:
    found = client.call("GET", f"/enzi/v0/accounts?filter={kind}", "bob").json()["accounts"]
    assert [one["name"] for one in found] == names
    assert set(found[0]) == {"name", "id", "fullName", "isOrg", "isAdmin", "isActive"}


@pytest.mark.parametrize("query", ["filter=x", "limit=0", "limit=-1", "limit=x"])
def test_a_bad_account_query_is_400(client: Any, query: str) -> None:
    assert client.call("GET", f"/enzi/v0/accounts?{query}", "bob").status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"[" * 5000, b"\xff"])
def test_a_body_that_is_no_json_object_is_400(client: Any, body: bytes) -> None:
    answer = client.call("POST", "/api/v0/content_caches", "admin", data=body,
                         headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "INVALID_JSON")


@pytest.mark.parametrize("details", [
    {}, {"name": "n"}, {"host": "http://h"}, {"name": "", "host": "http://h"}, {"name": 1, "host": "http://h"},
    {"name": "n", "host": "h:5000"}, {"name": "n", "host": "ftp://h"}, {"name": "n", "host": "http://"},
    {"name": "n", "host": "http://h/path"}, {"name": "n", "host": "http://u:p@h"}, {"name": "n", "host": "http://h?q=1"},
    {"name": "n", "host": "http://h:99999"}, {"name": "n", "host": "http://[::1"}, {"name": "n", "host": None}])
def test_bad_cache_details_are_400_with_the_specifications_text(client: Any, details: dict[str, Any]) -> None:
    before = client.call("GET", "/api/v0/content_caches", "admin").json()
    answer = client.call("POST", "/api/v0/content_caches", "admin", json=details)
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, "invalid content cache details")
    assert client.call("GET", "/api/v0/content_caches", "admin").json() == before


def test_settings_of_dtr_are_kept(client: Any) -> None:
    client.call("POST", "/api/v0/meta/settings", "admin", json={"httpProxy": "http://proxy:3128"})
    assert client.call("GET", "/api/v0/meta/settings", "admin").json()["httpProxy"] == "http://proxy:3128"
    assert json.loads(client.call("POST", "/api/v0/meta/settings", "admin", json={"none": 1}).text)["errors"]
