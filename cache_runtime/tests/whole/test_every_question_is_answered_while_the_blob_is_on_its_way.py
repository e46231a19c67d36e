"""A blob that has been asked for and is not here yet: lengths, conditions and ranges of it are those of the whole one,
and what can be told is told at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from doubles.inner_cache import InnerCache, inner_cache
from doubles.running_cache import eventually
from doubles.upstream import Upstream, hold_after

BLOB = random.Random(17).randbytes(3_000_000)
HELD_AT = 1_000_000


@dataclass
class Scene:
    cache: InnerCache
    upstream: Upstream
    digest: str

    def ask(self, method: str = "GET", **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with requests.Session() as session:
            url = f"{self.cache.url}/v2/org/app/blobs/{self.digest}?grant={self.upstream.grant(self.digest)}"
            return session.request(method, url, headers=named, timeout=20)


@pytest.fixture(params=["on its way", "stored"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with Upstream() as upstream, inner_cache(tmp_path, [upstream.url]) as cache:
        scene = Scene(cache, upstream, upstream.add(BLOB))
        if request.param == "stored":
            assert scene.ask().content == BLOB
            eventually(lambda: cache.is_stored(scene.digest) and cache.flights == 0)
            yield scene
            return
        upstream.faults = [hold_after(HELD_AT)]
        pull = cache.get(scene.digest, upstream.grant(scene.digest), stream=True)
        assert pull.raw.read(1000) == BLOB[:1000]
        yield scene
        assert not cache.is_stored(scene.digest), "it was on its way all the time"
        upstream.release.set()
        assert pull.raw.read() == BLOB[1000:]


def test_a_head_tells_the_length_of_the_whole_and_of_a_part(scene: Scene) -> None:
    whole, part = scene.ask("HEAD"), scene.ask("HEAD", Range="bytes=10-19")

    assert (whole.status_code, whole.headers["Content-Length"], whole.content) == (200, str(len(BLOB)), b"")
    assert (part.status_code, part.headers["Content-Length"], part.content) == (206, "10", b"")
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(BLOB)}"
    assert {answer.headers["ETag"] for answer in (whole, part)} == {f'"{scene.digest}"'}


@pytest.mark.parametrize("named", ['"{}"', 'W/"{}"', '"sha256:other", "{}"', "*"])
def test_who_has_it_already_is_told_so(scene: Scene, named: str) -> None:
    for method in ("GET", "HEAD"):
        answer = scene.ask(method, If_None_Match=named.format(scene.digest))
        assert (answer.status_code, answer.content) == (304, b"")


def test_a_condition_that_fails_gives_no_byte(scene: Scene) -> None:
    assert scene.ask(If_Match='"sha256:another"').status_code == 412
    assert scene.ask(If_Match=f'"{scene.digest}"', Range="bytes=0-9").content == BLOB[:10]


def test_ranges_near_far_at_the_end_and_several_at_once(scene: Scene) -> None:
    for asked, wanted in (
        ("0-99", BLOB[:100]),
        (f"{HELD_AT - 10}-{HELD_AT - 1}", BLOB[HELD_AT - 10 : HELD_AT]),
        ("2900000-2999999", BLOB[2_900_000:]),
        ("-77", BLOB[-77:]),
    ):
        answer = scene.ask(Range=f"bytes={asked}", If_Range=f'"{scene.digest}"')
        assert (answer.status_code, answer.content) == (206, wanted)
    several = scene.ask(Range="bytes=5-9,2500000-2500009")
    assert several.headers["Content-Type"].startswith("multipart/byteranges")
    assert all(piece in several.content for piece in (BLOB[5:10], BLOB[2_500_000:2_500_010]))


def test_a_range_behind_the_end_is_refused_with_the_length(scene: Scene) -> None:
    answer = scene.ask(Range=f"bytes={len(BLOB)}-")

    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(BLOB)}")
    assert len(answer.content) == int(answer.headers["Content-Length"])
