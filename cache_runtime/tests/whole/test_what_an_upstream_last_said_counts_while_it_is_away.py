"""`offline: serve`: while no upstream answers, its last word to the identical credentials counts, for a while."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.inner_cache import InnerCache, inner_cache
from doubles.registry import Registry
from doubles.registry_office import RegistryOffice
from doubles.running_cache import eventually
from dtr_content_cache.delivery import attempts
from dtr_content_cache.values.events import ServedOffline

ALICE = {"Authorization": "Basic " + base64.b64encode(b"alice:correct horse").decode()}
BOB = {"Authorization": "Basic " + base64.b64encode(b"bob:battery").decode()}
LAYER = b"a layer" * 20_000
TAG, STALE = "/v2/org/app/manifests/1.0", '110 dtr-content-cache "Response is Stale"'


def ask(cache: InnerCache, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> requests.Response:
    return cache.session.request(method, cache.url + path, headers=headers, timeout=30)


@dataclass
class Office(RegistryOffice):
    folder: Path

    def pull(self, headers: dict[str, str] | None = None) -> list[int]:
        """What docker asks for, one after the other; the statuses."""
        return [ask(self.cache, path, headers).status_code for path in ("/v2/", TAG, self.blob)]

    def noted(self) -> None:
        """All that was said is on the volume."""
        for side in self.cache.parts.sides:
            side._shared.note_threads.submit(lambda: None).result(10)

    def another(self, **options: Any) -> AbstractContextManager[InnerCache]:
        """A cache on the same volume, as after a restart."""
        return cache_of(self.folder, self.registry, **options)


def cache_of(folder: Path, registry: Registry, **options: Any) -> AbstractContextManager[InnerCache]:
    wanted = {"authorization": "upstream", "verdictttl": "0s", "offline": "serve", **options}
    return inner_cache(folder, [registry.url], **wanted)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Registry({ALICE["Authorization"]}) as registry, cache_of(tmp_path, registry) as cache:
        yield Office(registry, cache, *registry.push("1.0", LAYER), tmp_path)


def test_a_whole_pull_goes_on_by_the_last_word_and_says_so(office: Office) -> None:
    assert office.pull(ALICE) == [200, 200, 200]
    office.noted()
    office.registry.stop()

    manifest, layer = ask(office.cache, TAG, ALICE), ask(office.cache, office.blob, ALICE)
    head = ask(office.cache, TAG, ALICE, "HEAD")

    assert manifest.content == office.registry.things[office.manifest]
    assert manifest.headers["Docker-Content-Digest"] == office.manifest
    assert manifest.headers["Warning"].startswith(STALE)
    assert (head.headers["Docker-Content-Digest"], head.headers["Content-Length"]) == (
        office.manifest,
        str(len(manifest.content)),
    )
    assert layer.content == LAYER
    assert layer.headers["Warning"] == '111 dtr-content-cache "Revalidation Failed"'
    assert layer.headers["Cache-Status"] == "dtr-content-cache; hit; detail=offline"
    assert ask(office.cache, "/v2/", ALICE).status_code == 200
    assert {(event.repository, event.what) for event in office.cache.told(ServedOffline)} >= {
        ("org/app", "manifests/1.0"),
        ("org/app", f"blobs/{office.layer}"),
    }
    assert b"dtr_cache_offline_answers_total 4.0" in office.cache.parts.metrics.render()
    office.registry.start()


def test_the_order_in_which_a_client_names_what_it_accepts_means_nothing(office: Office) -> None:
    kinds = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"]
    one, other = (ALICE | {"Accept": ", ".join(order)} for order in (kinds, kinds[::-1]))
    assert ask(office.cache, TAG, one).status_code == 200
    office.noted()
    office.registry.stop()

    assert ask(office.cache, TAG, other, "HEAD").status_code == 200
    assert ask(office.cache, TAG, ALICE | {"Accept": kinds[0]}, "HEAD").status_code == 503
    office.registry.start()


def test_it_counts_after_a_restart_and_ends_when_the_upstream_is_back(office: Office) -> None:
    office.pull(ALICE)
    office.noted()
    office.registry.stop()
    with office.another() as again:
        assert ask(again, TAG, ALICE).headers["Warning"].startswith(STALE)
        assert ask(again, office.blob, ALICE).content == LAYER
        office.registry.start()
        moved, _ = office.registry.push("1.0", b"another layer")

        fresh = eventually(lambda: (it := ask(again, TAG, ALICE)) and "Warning" not in it.headers and it)

        assert fresh.headers["Docker-Content-Digest"] == moved


@pytest.mark.parametrize("headers", [BOB, {}, {"Authorization": ALICE["Authorization"] + "="}], ids=["bob", "no", "="])
def test_nobody_else_reads_what_alice_was_allowed(office: Office, headers: dict[str, str]) -> None:
    office.pull(ALICE)
    office.noted()
    office.registry.stop()

    answers = [
        ask(office.cache, path, headers) for path in (TAG, office.blob, f"/v2/org/app/manifests/{office.manifest}")
    ]

    assert {answer.status_code for answer in answers} <= {503, 401}
    assert all(LAYER[:7] not in answer.content for answer in answers)
    office.registry.start()


def test_what_alice_was_allowed_in_one_repository_opens_no_other(office: Office) -> None:
    office.pull(ALICE)
    office.noted()
    office.registry.stop()

    assert ask(office.cache, f"/v2/org/secret/blobs/{office.layer}", ALICE).status_code == 503
    assert ask(office.cache, f"/v2/org/secret/manifests/{office.manifest}", ALICE).status_code == 503
    office.registry.start()


@pytest.mark.parametrize("refusal", [401, 403])
def test_a_refusal_takes_back_all_of_the_repository_for_a_restart_as_well(office: Office, refusal: int) -> None:
    office.pull(ALICE)
    office.registry.before = lambda asked: (refusal, {"WWW-Authenticate": 'Basic realm="test"'}, b"")
    assert ask(office.cache, TAG, ALICE).status_code == refusal
    office.registry.stop()

    assert ask(office.cache, TAG, ALICE).status_code == 503
    assert ask(office.cache, office.blob, ALICE).status_code == 503
    with office.another() as again:
        assert ask(again, office.blob, ALICE).status_code == 503
    office.registry.start()


def test_a_tag_that_is_gone_is_forgotten_and_the_rest_of_the_repository_is_not(office: Office) -> None:
    office.pull(ALICE)
    del office.registry.tags["1.0"]
    gone = ask(office.cache, TAG, ALICE)
    assert (gone.status_code, gone.json()["errors"][0]["code"]) == (404, "MANIFEST_UNKNOWN")
    office.registry.stop()

    assert ask(office.cache, TAG, ALICE).status_code == 503
    assert ask(office.cache, office.blob, ALICE).content == LAYER
    office.registry.start()


def test_clients_without_credentials_are_asked_for_them_as_the_upstream_did(office: Office) -> None:
    for path in ("/v2/", TAG):
        assert ask(office.cache, path).status_code == 401
    office.pull(ALICE)
    office.noted()
    office.registry.stop()

    for path in ("/v2/", TAG):
        answer = ask(office.cache, path)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="test"')
    office.registry.start()


def test_anonymous_pulls_of_what_is_public_go_on(office: Office) -> None:
    office.registry.readers = {""}
    assert office.pull() == [200, 200, 200]
    office.noted()
    office.registry.stop()

    assert office.pull() == [200, 200, 200]
    office.registry.start()


def token(expires_in_s: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + expires_in_s}).encode()).rstrip(b"=").decode()
    return f"Bearer eyJhbGciOiJSUzI1NiJ9.{claims}.c2lnbmF0dXJl"


def test_a_token_counts_as_long_as_it_says_and_a_new_one_was_never_allowed(office: Office) -> None:
    good, short = token(600), token(1.5)
    office.registry.readers = {good, short}
    for each in (good, short):
        assert office.pull({"Authorization": each}) == [200, 200, 200]
    office.noted()
    office.registry.stop()

    assert office.pull({"Authorization": good}) == [200, 200, 200]
    assert office.pull({"Authorization": token(601)}) == [503, 503, 503]
    eventually(lambda: office.pull({"Authorization": short}) == [503, 503, 503])
    office.registry.start()


def test_the_limit_ends_it(tmp_path: Path) -> None:
    with Registry() as registry, cache_of(tmp_path, registry, offlinelimit="1500ms") as cache:
        office = Office(registry, cache, *registry.push("1.0", LAYER), tmp_path)
        office.pull()
        office.noted()
        registry.stop()
        assert office.pull() == [200, 200, 200]
        eventually(lambda: office.pull() == [503, 503, 503])
        registry.start()


def test_without_the_operators_word_an_upstream_that_is_away_is_503(tmp_path: Path) -> None:
    with Registry() as registry, cache_of(tmp_path, registry, offline="refuse") as cache:
        office = Office(registry, cache, *registry.push("1.0", LAYER), tmp_path)
        office.pull()
        registry.stop()

        assert office.pull() == [503, 503, 503]
        assert not list((cache.root / "content-cache").glob("answers*"))
        registry.start()


def test_while_it_is_known_to_be_away_nobody_waits_for_it(office: Office) -> None:
    office.pull(ALICE)
    office.noted()
    office.registry.stop()
    eventually(lambda: ask(office.cache, TAG, ALICE) and office.cache.parts.attempts.turns.all_down(), 20)
    failures = len([event for event in office.cache.events if type(event).__name__ == "UpstreamFailed"])

    assert ask(office.cache, office.blob, ALICE).content == LAYER

    assert len([event for event in office.cache.events if type(event).__name__ == "UpstreamFailed"]) == failures
    office.registry.start()


def test_the_volume_holds_no_credentials(office: Office) -> None:
    office.pull(ALICE)
    office.noted()
    eventually(lambda: office.cache.flights == 0)  # the fill's own file is no longer there then

    written = [path for path in (office.cache.root / "content-cache").rglob("*") if path.is_file()]

    assert any(path.parent.parent.name == "answers" for path in written)
    secrets = (b"alice", b"correct horse", ALICE["Authorization"].partition(" ")[2].encode())
    assert not [path for path in written for secret in secrets if secret in path.read_bytes() + bytes(path)]
    assert {path.stat().st_mode & 0o077 for path in written} == {0}
