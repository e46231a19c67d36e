"""The token service, and who may do what in the registry."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

MANIFEST = "/v2/org/app/manifests/1.0"
PUBLIC = "/v2/org/public/manifests/1.0"
# account, repository → what a token for pull,push carries
MATRIX = {
    ("admin", "org/app"): ["pull", "push"], ("admin", "org/public"): ["pull", "push"],
    ("admin", "org/unlisted"): ["pull", "push"],
    ("writer", "org/app"): ["pull", "push"], ("writer", "org/public"): ["pull"], ("writer", "org/unlisted"): [],
    ("alice", "org/app"): ["pull"], ("alice", "org/public"): ["pull"], ("alice", "org/unlisted"): [],
    ("bob", "org/app"): [], ("bob", "org/public"): ["pull"], ("bob", "org/unlisted"): [],
    (None, "org/app"): [], (None, "org/public"): ["pull"], (None, "org/unlisted"): [],
}


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def actions(token: str) -> list[str]:
    access = claims(token)["access"]
    return access[0]["actions"] if access else []


@pytest.mark.parametrize(("account", "repository"), MATRIX)
def test_a_token_carries_what_was_asked_and_is_allowed(client: Any, account: str | None, repository: str) -> None:
    token = client.token(account, f"repository:{repository}:pull,push")
    assert actions(token) == MATRIX[account, repository]


@pytest.mark.parametrize(("account", "repository"), MATRIX)
def test_the_registry_answers_as_the_rights_say(client: Any, account: str | None, repository: str) -> None:
    answer = client.pull("GET", f"/v2/{repository}/manifests/1.0", account, repository)
    served = {"org/app": 200, "org/public": 200, "org/unlisted": 404}[repository]
    assert answer.status_code == (served if "pull" in MATRIX[account, repository] else 401)


def test_a_token_has_the_members_that_clients_read(client: Any) -> None:
    answer = client.call("GET", "/auth/token", "alice").json()
    assert answer["token"] == answer["access_token"]
    assert answer["expires_in"] == 300
    assert answer["issued_at"].endswith("Z")


def test_several_scopes_give_one_token_for_all(client: Any) -> None:
    token = client.token("alice", "repository:org/app:pull", "repository:org/public:pull repository:org/none:pull")
    assert [one["name"] for one in claims(token)["access"]] == ["org/app", "org/public"]


@pytest.mark.parametrize("credentials", [("alice", "wrong"), ("nobody", "x"), ("gone", "gone-password"), ("", "")])
def test_wrong_credentials_are_refused_even_where_nobody_needs_any(client: Any, credentials: tuple[str, str]) -> None:
    answer = client.call("GET", "/auth/token?scope=repository:org/public:pull", auth=credentials)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "UNAUTHORIZED"
    assert client.call("GET", "/api/v0/content_caches", auth=credentials).status_code == 401


@pytest.mark.parametrize("header", ["Basic", "Basic %%%", "Bearer x", "Basic /////w==", "Digest x"])
def test_broken_credentials_are_401_not_a_crash(client: Any, header: str) -> None:
    for path in ("/auth/token", "/api/v0/content_caches"):
        assert client.call("GET", path, headers={"Authorization": header}).status_code == 401


def test_the_form_of_oauth_gives_tokens_for_password_and_refresh_token(client: Any) -> None:
    form = {"grant_type": "password", "username": "alice", "password": "alice-password", "service": "x",
            "client_id": "docker", "access_type": "offline", "scope": "repository:org/app:pull"}
    first = client.call("POST", "/auth/token", data=form).json()
    assert actions(first["access_token"]) == ["pull"]
    again = client.call("POST", "/auth/token", data={
        "grant_type": "refresh_token", "refresh_token": first["refresh_token"], "scope": "repository:org/app:pull"})
    assert actions(again.json()["access_token"]) == ["pull"]
    for wrong in ({"grant_type": "password", "username": "alice", "password": "no"},
                  {"grant_type": "refresh_token", "refresh_token": first["access_token"]}):
        assert client.call("POST", "/auth/token", data=wrong).status_code == 401


def test_a_refresh_token_is_no_bearer_token(client: Any) -> None:
    form = {"grant_type": "password", "username": "alice", "password": "alice-password", "access_type": "offline"}
    refresh = client.call("POST", "/auth/token", data=form).json()["refresh_token"]
    assert client.call("GET", "/v2/", headers={"Authorization": f"Bearer {refresh}"}).status_code == 401


def test_the_challenge_names_realm_service_and_scope(client: Any, dtr: Any) -> None:
    answer = client.call("GET", MANIFEST)
    service = dtr.url.removeprefix("https://")
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer realm="{dtr.url}/auth/token",service="{service}",scope="repository:org/app:pull"')
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_a_token_without_the_right_is_told_so(client: Any) -> None:
    assert 'error="insufficient_scope"' in client.pull("GET", MANIFEST, "bob").headers["WWW-Authenticate"]


@pytest.mark.parametrize("damage", [lambda token: token[:-4] + "AAAA", lambda token: token + "x", lambda token: "x",
                                    lambda token: token.replace(".", ".."), lambda token: ""])
def test_a_damaged_token_is_refused(client: Any, damage: Any) -> None:
    token = client.token("alice", "repository:org/app:pull")
    answer = client.call("GET", MANIFEST, headers={"Authorization": f"Bearer {damage(token)}"})
    assert answer.status_code == 401


def test_a_grant_is_no_bearer_token(client: Any, dtr: Any, blob: str) -> None:
    grant = dtr.grant("alice", "org/app", blob)
    answer = client.call("GET", MANIFEST, headers={"Authorization": f"Bearer {grant}"})
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_the_version_check_wants_a_token_and_takes_an_anonymous_one(client: Any) -> None:
    assert client.call("GET", "/v2/").status_code == 401
    answer = client.call("GET", "/v2/", headers={"Authorization": f"Bearer {client.token(None)}"})
    assert (answer.status_code, answer.json()) == (200, {})


def test_the_catalog_shows_what_the_account_may_read(client: Any) -> None:
    shown = {}
    for account in ("admin", "alice", "bob"):
        token = client.token(account, "registry:catalog:*")
        answer = client.call("GET", "/v2/_catalog", headers={"Authorization": f"Bearer {token}"})
        shown[account] = answer.json()["repositories"]
    assert shown == {"admin": ["org/app", "org/public"], "alice": ["org/app", "org/public"], "bob": ["org/public"]}
    token = client.token(None, "registry:catalog:*")
    assert client.call("GET", "/v2/_catalog", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def access_token(client: Any, account: str) -> tuple[str, str]:
    answer = client.call("POST", "/api/v0/api_tokens", account, json={"tokenLabel": "test"}).json()
    return answer["token"], answer["hashedToken"]


def test_an_access_token_works_wherever_the_password_does(client: Any, dtr: Any) -> None:
    token, hashed = access_token(client, "alice")
    assert client.call("GET", "/api/v0/content_caches", auth=("alice", token)).status_code == 200
    answer = client.call("GET", "/auth/token?scope=repository:org/app:pull", auth=("alice", token))
    assert actions(answer.json()["token"]) == ["pull"]
    assert dtr.requests()[-1]["via"] == "token"
    assert client.call("GET", "/auth/token", auth=("bob", token)).status_code == 401
    assert client.call("GET", f"/api/v0/api_tokens/{hashed}", "alice").json()["lastUsed"] > "2000"


def test_an_access_token_that_is_switched_off_or_deleted_stops_working(client: Any) -> None:
    token, hashed = access_token(client, "alice")
    path = f"/api/v0/api_tokens/{hashed}"

    def status() -> int:
        answer: requests.Response = client.call("GET", "/api/v0/content_caches", auth=("alice", token))
        return answer.status_code

    client.call("PATCH", path, "alice", json={"isActive": False})
    assert status() == 401
    client.call("PATCH", path, "alice", json={"isActive": True})
    assert status() == 200
    client.call("DELETE", path, "alice")
    assert status() == 401


def test_access_tokens_are_listed_page_by_page_and_never_shown_again(client: Any) -> None:
    made = [access_token(client, "writer") for _ in range(3)]
    first = client.call("GET", "/api/v0/api_tokens?pageSize=2&count=true", "writer")
    total = int(first.headers["X-Resource-Count"])
    start, seen = first.headers["X-Next-Page-Start"], first.json()
    while start:
        following = client.call("GET", f"/api/v0/api_tokens?pageSize=2&pageStart={start}", "writer")
        seen += following.json()
        start = following.headers.get("X-Next-Page-Start")
    assert len(seen) == total == len({one["hashedToken"] for one in seen})
    assert {hashed for _, hashed in made} <= {one["hashedToken"] for one in seen}
    assert not any(token in json.dumps(seen) for token, _ in made)
    client.call("DELETE", "/api/v0/api_tokens", "writer")
    assert client.call("GET", "/api/v0/api_tokens", "writer").json() == []
