"""An upstream that hangs costs the pull that finds it out, and no other: it rests, and comes back when a probe beside
the pulls has found it well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from doubles.inner_cache import InnerCache, inner_cache
from doubles.running_cache import eventually
from doubles.upstream import Answering, Upstream, hold_after
from dtr_content_cache.delivery import attempts
from dtr_content_cache.upstream import turns
from dtr_content_cache.values.events import UpstreamFailed


@dataclass
class Scene:
    hanging: Upstream
    well: Upstream
    cache: InnerCache
    pulled: int = 0

    def pull(self) -> None:
        self.pulled += 1
        blob = b"%d" % self.pulled
        digest = self.hanging.add(blob)
        assert self.cache.get(digest, self.hanging.grant(digest)).content == blob

    def probes(self) -> int:
        return len([asked for asked in self.hanging.asked if asked.path == "/v2/"])


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(turns, "FIRST_REST_S", 0.05)
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)
    with (
        Upstream() as hanging,
        Upstream(origin=hanging.origin, key=hanging.key, blobs=hanging.blobs) as well,
        inner_cache(tmp_path, [hanging.url, well.url], stalltimeout="300ms") as cache,
    ):
        yield Scene(hanging, well, cache)


def _is_away(upstream: Upstream) -> None:
    upstream.always = hold_after(0)
    upstream.heads_of["/v2/"] = lambda answering: None  # an answer that never comes


def test_only_the_pull_that_finds_it_out_waits(scene: Scene) -> None:
    _is_away(scene.hanging)

    def probed_often() -> bool:
        scene.pull()
        return scene.probes() >= 3

    eventually(probed_often, 30)

    assert len(scene.hanging.blob_requests()) == 1
    assert scene.pulled > 3
    assert {failed.hop for failed in scene.cache.told(UpstreamFailed)} == {scene.hanging.url}
    rests = [failed.rest_s for failed in scene.cache.told(UpstreamFailed)]
    assert rests == sorted(rests), "each time longer"


def test_it_comes_back_once_it_answers(scene: Scene) -> None:
    _is_away(scene.hanging)
    scene.pull()
    scene.pull()
    scene.hanging.always = None
    scene.hanging.heads_of.clear()

    def asked_again() -> bool:
        scene.pull()
        return len(scene.hanging.blob_requests()) > 1

    eventually(asked_again, 30)


def test_one_that_answers_probes_and_no_pull_is_left_alone_for_longer_each_time(scene: Scene) -> None:
    def ill(answering: Answering) -> None:
        answering.head("500 Internal Server Error", Content_Length=0)

    scene.hanging.always = ill

    def failed_often() -> bool:
        scene.pull()
        return len(scene.cache.told(UpstreamFailed)) >= 5

    eventually(failed_often, 30)

    rests = [failed.rest_s for failed in scene.cache.told(UpstreamFailed)]
    assert rests[4] > 4 * rests[0]


def test_where_all_are_away_the_first_that_is_back_is_asked_at_once(scene: Scene) -> None:
    _is_away(scene.hanging)
    _is_away(scene.well)
    digest = scene.hanging.add(b"nobody gives it")
    assert scene.cache.get(digest, scene.hanging.grant(digest)).status_code == 503
    scene.well.always = None

    scene.pull()
