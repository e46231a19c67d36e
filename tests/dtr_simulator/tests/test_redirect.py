"""Who serves a blob: the account's content cache by a signed redirect, or DTR; and what a grant is worth."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dtr_simulator import grants, jws
from dtr_simulator.image import WrittenImage
from dtr_simulator.running import RunningSimulator, running_simulator

OTHER = "sha256:" + "0" * 64


@pytest.fixture
def redirected(client: Any) -> Iterator[str]:
    """alice uses a cache while the test runs; its id."""
    cache_id = client.add_cache("asia", "http://cache.example:5000/")
    client.use_cache("alice", cache_id)
    yield cache_id
    client.use_cache("alice", "")
    client.call("DELETE", f"/api/v0/content_caches/{cache_id}", "admin")


def test_a_blob_goes_to_the_accounts_cache_by_a_signed_307(client: Any, dtr: RunningSimulator, blob: str,
                                                          redirected: str) -> None:
    for method in ("GET", "HEAD"):
        answer = client.pull(method, f"/v2/org/app/blobs/{blob}", "alice")
        address, query = answer.headers["Location"].split("?")
        assert (answer.status_code, answer.content) == (307, b"")
        assert address == f"http://cache.example:5000/v2/org/app/blobs/{blob}"
        keys = {dtr.signing_key().kid: dtr.signing_key()}
        found = grants.check_grant(query.removeprefix("grant="), keys, dtr.url, "org/app", blob, time.time())
        assert found["sub"] == "alice"
        assert found["exp"] - found["iat"] == 900


def test_a_manifest_is_never_redirected(client: Any, redirected: str) -> None:
    assert client.pull("GET", "/v2/org/app/manifests/1.0", "alice").status_code == 200


def test_another_account_is_served_by_dtr(client: Any, blob: str, image: WrittenImage, redirected: str) -> None:
    answer = client.pull("GET", f"/v2/org/app/blobs/{blob}", "admin")
    assert (answer.status_code, len(answer.content)) == (200, image.blobs[blob])


def test_a_deleted_cache_leaves_dtr_to_serve(client: Any, blob: str, redirected: str) -> None:
    client.call("DELETE", f"/api/v0/content_caches/{redirected}", "admin")
    assert client.call("GET", "/api/v0/accounts/alice/settings", "alice").json()["ContentCacheUUID"] == redirected
    assert client.pull("GET", f"/v2/org/app/blobs/{blob}", "alice").status_code == 200


def test_nobody_is_redirected_without_the_right(client: Any, blob: str) -> None:
    cache_id = client.add_cache()
    client.use_cache("bob", cache_id)
    assert client.pull("GET", f"/v2/org/app/blobs/{blob}", "bob").status_code == 401
    client.use_cache("bob", "")


def test_a_blob_that_the_repository_lacks_is_not_redirected(client: Any, redirected: str) -> None:
    answer = client.pull("GET", f"/v2/org/app/blobs/{OTHER}", "alice")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "BLOB_UNKNOWN")


def test_a_good_grant_is_served_directly_though_the_account_uses_a_cache(client: Any, dtr: RunningSimulator, blob: str,
                                                                        image: WrittenImage, redirected: str) -> None:
    query = client.pull("GET", f"/v2/org/app/blobs/{blob}", "alice").headers["Location"].split("?")[1]
    answer = client.call("GET", f"/v2/org/app/blobs/{blob}?{query}")
    assert (answer.status_code, len(answer.content)) == (200, image.blobs[blob])
    record = dtr.requests()[-1]
    assert (record["via"], record["account"], record["query_keys"]) == ("grant", "alice", ["grant"])


def test_a_grant_outlives_the_right_it_was_given_for(client: Any, dtr: RunningSimulator, blob: str) -> None:
    grant = dtr.grant("bob", "org/app", blob)
    assert client.call("HEAD", f"/v2/org/app/blobs/{blob}?grant={grant}").status_code == 200


WRONG: dict[str, dict[str, Any]] = {
    "another repository": {"repo": "org/public"}, "another digest": {"digest": OTHER},
    "another issuer": {"iss": "https://evil.example"}, "another action": {"act": "push"}, "another version": {"ver": 2},
    "a version as text": {"ver": "1"}, "a version as truth value": {"ver": True},
    "expired": {"iat": int(time.time()) - 1000, "exp": int(time.time()) - 100},
    "not yet valid": {"iat": int(time.time()) + 100, "exp": int(time.time()) + 200},
    "too long a life": {"exp": int(time.time()) + 7200}, "a time with a fraction": {"exp": time.time() + 60.5},
    "ending before it begins": {"exp": 1}, "an empty account": {"sub": ""}, "a number as account": {"sub": 7},
    "another key": {"key": jws.SigningKey.new()}, "another algorithm": {"header": {"alg": "ES256"}},
    "no algorithm": {"header": {"alg": None}}, "the algorithm none": {"header": {"alg": "none"}},
    "a key of its own": {"header": {"jwk": {}}}, "an unknown key id": {"header": {"kid": "x"}},
    "critical headers": {"header": {"crit": ["exp"]}},
} | {f"no {name}": {name: None} for name in ("ver", "iss", "sub", "repo", "digest", "act", "iat", "exp", "jti")}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_grant_is_denied(client: Any, dtr: RunningSimulator, blob: str, case: str) -> None:
    answer = client.call("GET", f"/v2/org/app/blobs/{blob}?grant={dtr.grant('alice', 'org/app', blob, **WRONG[case])}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "DENIED")


def test_the_grants_made_wrong_above_are_right_otherwise(client: Any, dtr: RunningSimulator, blob: str) -> None:
    grant = dtr.grant("alice", "org/app", blob)
    assert client.call("GET", f"/v2/org/app/blobs/{blob}?grant={grant}").status_code == 200
    twice = client.call("GET", f"/v2/org/app/blobs/{blob}?grant={grant}&grant={grant}")
    assert (twice.status_code, twice.json()["errors"][0]["detail"]) == (403, "grant: repeated")


@pytest.mark.parametrize("text", ["", "a.b.c", "....", "x" * 5000, "e30.e30.", "%00"])
def test_what_is_no_grant_at_all_is_denied(client: Any, blob: str, text: str) -> None:
    assert client.call("GET", f"/v2/org/app/blobs/{blob}?grant={text}").status_code == 403


def test_a_wrong_grant_is_not_saved_by_a_good_bearer_token(client: Any, blob: str) -> None:
    assert client.pull("GET", f"/v2/org/app/blobs/{blob}?grant=x", "admin").status_code == 403


@pytest.mark.parametrize("algorithm", jws.ALGORITHMS)
def test_every_algorithm_signs_and_is_checked(image_folder: Path, client_class: Any, blob: str, algorithm: str) -> None:
    options = ["--grant-algorithm", algorithm, "--grant-lifetime", "2m"]
    with running_simulator(layouts={"org/app": image_folder}, options=options) as simulator:
        asking = client_class(simulator)
        asking.use_cache("alice", asking.add_cache())
        location = asking.pull("GET", f"/v2/org/app/blobs/{blob}", "alice").headers["Location"]
        query = location.split("?")[1]
        assert asking.call("GET", f"/v2/org/app/blobs/{blob}?{query}").status_code == 200
        header = json.loads(jws.decode(query.removeprefix("grant=").split(".")[0]))
        published = asking.call("GET", "/.well-known/dtr-content-cache").json()["jwks"]["keys"]
        assert [(key["kid"], key["alg"]) for key in published] == [(header["kid"], algorithm)]
        assert header["alg"] == algorithm


def test_discovery_needs_no_login_and_shows_no_private_member(client: Any, dtr: RunningSimulator) -> None:
    document = client.call("GET", "/.well-known/dtr-content-cache").json()
    assert (document["version"], document["origin"]) == (1, dtr.url)
    assert {name for key in document["jwks"]["keys"] for name in key} == {"crv", "kty", "x", "kid", "use", "alg"}


def test_a_withdrawn_right_ends_redirects_at_once(image_folder: Path, client_class: Any, blob: str) -> None:
    with running_simulator(layouts={"org/app": image_folder}) as simulator:
        asking = client_class(simulator)
        headers = {"Authorization": f"Bearer {asking.token('alice', 'repository:org/app:pull')}"}
        asking.use_cache("alice", asking.add_cache())
        assert asking.call("GET", f"/v2/org/app/blobs/{blob}", headers=headers).status_code == 307
        simulator.set_rights("org/app", readers=["bob"])
        assert asking.call("GET", f"/v2/org/app/blobs/{blob}", headers=headers).status_code == 401
        assert asking.pull("GET", f"/v2/org/app/blobs/{blob}", "bob").status_code == 200


def test_rotated_keys_sign_on_and_dropped_ones_are_refused(image_folder: Path, client_class: Any, blob: str) -> None:
    with running_simulator(layouts={"org/app": image_folder}) as simulator:
        asking = client_class(simulator)
        old = simulator.grant("alice", "org/app", blob)
        old_kid = simulator.signing_key().kid
        new_kid = asking.call("POST", "/_simulator/keys", "admin").json()["signing"]
        assert simulator.signing_key().kid == new_kid != old_kid
        path = f"/v2/org/app/blobs/{blob}?grant="
        assert asking.call("HEAD", path + old).status_code == 200
        assert asking.call("DELETE", f"/_simulator/keys/{old_kid}", "admin").status_code == 204
        assert asking.call("HEAD", path + old).status_code == 403
        assert asking.call("HEAD", path + simulator.grant("alice", "org/app", blob)).status_code == 200
        assert asking.call("DELETE", f"/_simulator/keys/{new_kid}", "admin").status_code == 409
        assert asking.call("POST", "/_simulator/keys", "alice").status_code == 403


def test_keys_in_the_folder_are_read_again_on_hangup(image_folder: Path, client_class: Any, blob: str) -> None:
    with running_simulator(layouts={"org/app": image_folder}) as simulator:
        old = simulator.grant("alice", "org/app", blob)
        client_class(simulator).call("POST", "/_simulator/keys", "admin")
        min((simulator.state / "keys").glob("*.pem")).unlink()
        (simulator.state / "keys" / "note.pem").write_text("no key")
        simulator.reread()
        assert any("key skipped" in line and "note.pem" in line for line in simulator.output)
        assert client_class(simulator).call("HEAD", f"/v2/org/app/blobs/{blob}?grant={old}").status_code == 403
