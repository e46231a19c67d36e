"""Mode `upstream`: a manifest by digest is held to it like a blob, whoever delivers; what lies is asked no more."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from doubles.inner_cache import InnerCache, inner_cache
from doubles.running_cache import eventually
from doubles.upstream import Answering, Upstream, cut_after, status, wrong_byte
from dtr_content_cache.delivery import attempts
from dtr_content_cache.values.events import Fault

MANIFEST = json.dumps({"schemaVersion": 2, "annotations": {"x": random.Random(3).randbytes(3000).hex()}}).encode()


@dataclass
class Scene:
    first: Upstream
    second: Upstream
    cache: InnerCache

    def pull(self, reference: str) -> requests.Response:
        return self.cache.session.get(f"{self.cache.url}/v2/org/app/manifests/{reference}", timeout=30)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)
    with (
        Upstream() as first,
        Upstream(blobs=first.blobs) as second,
        inner_cache(tmp_path, [first.url, second.url], authorization="upstream", verdictttl="1ns") as cache,
    ):
        yield Scene(first, second, cache)


@pytest.mark.parametrize(
    "fault",
    [wrong_byte(100), wrong_byte(-1), cut_after(500), status("502 Bad Gateway")],
    ids=["a wrong byte", "a wrong last byte", "a cut", "502"],
)
def test_what_one_upstream_spoils_the_next_one_delivers(scene: Scene, fault: object) -> None:
    digest = scene.first.add(MANIFEST)
    scene.first.always = fault  # type: ignore[assignment]

    for _ in range(3):
        answer = scene.pull(digest)
        assert (answer.status_code, answer.content) == (200, MANIFEST)
        assert answer.headers["Docker-Content-Digest"] == digest
    eventually(lambda: scene.cache.is_stored(digest))


def test_wrong_bytes_of_every_upstream_are_an_error_and_never_a_manifest(scene: Scene) -> None:
    digest = scene.first.add(MANIFEST)
    scene.first.always = scene.second.always = wrong_byte(7)

    assert scene.pull(digest).status_code == 503
    assert not scene.cache.is_stored(digest)


def test_an_upstream_that_names_another_digest_than_the_asked_one_is_not_believed(scene: Scene) -> None:
    digest, other = scene.first.add(MANIFEST), scene.first.add(b"another manifest")

    def misled(answering: Answering) -> None:
        body = answering.upstream.blobs[other]
        answering.head("200 OK", Content_Length=len(body), Docker_Content_Digest=other)
        if answering.asked.method == "GET":
            answering.body(body)

    for upstream in (scene.first, scene.second):
        upstream.heads_of[digest] = misled
    answer = scene.pull(digest)

    assert (answer.content, answer.headers["Docker-Content-Digest"]) == (MANIFEST, digest)


def test_rot_on_the_volume_in_the_middle_of_a_manifest_breaks_it_off_and_heals(scene: Scene) -> None:
    digest = scene.first.add(MANIFEST)
    scene.pull(digest)
    eventually(lambda: scene.cache.is_stored(digest) and scene.cache.flights == 0)
    file = scene.cache.stored(digest)
    file.chmod(0o640)
    file.write_bytes(MANIFEST[:-1] + b"!")

    assert scene.pull(digest).content == MANIFEST
    assert scene.cache.told(Fault) == []


def test_a_client_that_leaves_a_manifest_leaves_nothing_behind(scene: Scene) -> None:
    large = random.Random(4).randbytes(3_000_000)
    digest = scene.first.add(large)
    for _ in range(5):
        url = f"{scene.cache.url}/v2/org/app/manifests/{digest}"
        with requests.get(url, stream=True, timeout=30) as answer:
            answer.raw.read(1000)

    eventually(lambda: scene.cache.is_stored(digest) and scene.cache.flights == 0)
    assert scene.cache.told(Fault) == []
    assert scene.pull(digest).content == large
