"""Mode `authorization: upstream`, in front of a registry with token authentication: each user has its own rights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from doubles.running_cache import RunningCache, running_cache
from dtr_simulator.image import write_image
from dtr_simulator.running import RunningSimulator, running_simulator


@dataclass
class Office:
    registry: RunningSimulator
    cache: RunningCache
    layout: Path

    def token(self, account: str, repository: str = "org/app") -> dict[str, str]:
        answer = requests.get(
            f"{self.registry.url}/auth/token",
            params={"service": self.registry.url.partition("//")[2], "scope": f"repository:{repository}:pull"},
            auth=(account, self.registry.password(account)),
            verify=str(self.registry.ca_path),
            timeout=10,
        )
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    def ask(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> requests.Response:
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
        return self.cache.session.request(method, self.cache.url + path, headers=accept | (headers or {}), timeout=30)

    def upstream_asked(self, what: str) -> list[str]:
        return [f"{one['method']} {one['status']}" for one in self.registry.requests() if what in one["path"]]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    layout = tmp_path / "image"
    write_image(layout, "1.0", layers=2, layer_size=300_000, seed=1)
    options = {"authorization": "upstream", "verdictttl": "0s"}
    with (
        running_simulator(layouts={"org/app": layout}) as registry,
        running_cache(tmp_path / "cache", [registry.url], cas=[str(registry.ca_path)], **options) as cache,
    ):
        yield Office(registry, cache, layout)


def test_the_challenge_of_the_upstream_reaches_the_client(office: Office) -> None:
    answer = office.ask("/v2/")

    assert answer.status_code == 401
    assert f'realm="{office.registry.url}/auth/token"' in answer.headers["WWW-Authenticate"]


def test_a_whole_image_is_pulled_and_the_second_time_only_asked_for(office: Office) -> None:
    alice = office.token("alice")
    manifest = office.ask("/v2/org/app/manifests/1.0", alice)
    blobs = [layer["digest"] for layer in manifest.json()["layers"]]
    assert "sha256:" + hashlib.sha256(manifest.content).hexdigest() == manifest.headers["Docker-Content-Digest"]

    first = [office.ask(f"/v2/org/app/blobs/{digest}", alice) for digest in blobs]
    office.registry.forget_requests()
    second = [office.ask(f"/v2/org/app/blobs/{digest}", alice) for digest in blobs]
    again = office.ask("/v2/org/app/manifests/1.0", alice)

    assert ["sha256:" + hashlib.sha256(answer.content).hexdigest() for answer in first] == blobs
    assert [answer.headers["Cache-Status"] for answer in second] == ["dtr-content-cache; hit"] * 2
    assert again.headers["Cache-Status"] == "dtr-content-cache; hit"
    assert office.upstream_asked("/blobs/") == ["HEAD 200"] * 2
    assert office.upstream_asked("/manifests/") == ["HEAD 200"]


@pytest.mark.parametrize("reference", ["1.0", "digest"])
def test_asking_only_for_a_manifests_head_tells_its_size_and_digest(office: Office, reference: str) -> None:
    alice = office.token("alice")
    manifest = office.ask("/v2/org/app/manifests/1.0", alice)
    digest = manifest.headers["Docker-Content-Digest"]
    named = digest if reference == "digest" else reference

    head = office.ask(f"/v2/org/app/manifests/{named}", alice, method="HEAD")

    assert head.status_code == 200
    assert head.headers["Content-Length"] == str(len(manifest.content))
    assert head.headers["Docker-Content-Digest"] == digest
    assert head.headers["Content-Type"] == manifest.headers["Content-Type"]


def test_an_account_without_rights_reads_nothing_that_another_made_the_cache_hold(office: Office) -> None:
    alice, bob = office.token("alice"), office.token("bob")
    manifest = office.ask("/v2/org/app/manifests/1.0", alice).json()
    digest = manifest["layers"][0]["digest"]
    assert office.ask(f"/v2/org/app/blobs/{digest}", alice).status_code == 200

    for headers in (bob, {}, {"Authorization": "Bearer nonsense"}):
        answers = [office.ask(path, headers) for path in (f"/v2/org/app/blobs/{digest}", "/v2/org/app/manifests/1.0")]
        assert [answer.status_code in (401, 403) for answer in answers] == [True, True]
        assert all(b"errors" in answer.content for answer in answers)


def test_withdrawn_rights_count_at_the_next_request(office: Office) -> None:
    alice = office.token("alice")
    digest = office.ask("/v2/org/app/manifests/1.0", alice).json()["layers"][0]["digest"]
    assert office.ask(f"/v2/org/app/blobs/{digest}", alice).status_code == 200

    office.registry.set_rights("org/app", readers=[])

    assert office.ask(f"/v2/org/app/blobs/{digest}", office.token("alice")).status_code in (401, 403)


def test_a_tag_that_moved_is_seen_at_once(office: Office) -> None:
    alice = office.token("alice")
    before = office.ask("/v2/org/app/manifests/1.0", alice).headers["Docker-Content-Digest"]
    write_image(office.layout, "1.0", layers=2, layer_size=300_000, seed=2)

    after = office.ask("/v2/org/app/manifests/1.0", alice).headers["Docker-Content-Digest"]

    assert after != before


def test_the_cache_never_asks_without_the_clients_credentials(office: Office) -> None:
    assert office.ask(f"/v2/org/app/blobs/sha256:{'0' * 64}", office.token("alice")).status_code == 404
    assert office.ask("/v2/org/app/tags/list", office.token("alice")).json()["tags"] == ["1.0"]
    assert office.ask("/v2/org/app/tags/list").status_code == 401
    assert "/.well-known" not in str(office.registry.requests())
