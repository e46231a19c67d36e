"""Upstreams that lead back to the cache itself, by mistake: noticed at the first turn of the circle, told to the
operator by name, and of no consequence wherever there is another way."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from doubles.inner_cache import InnerCache, inner_cache
from doubles.ports import free_port
from doubles.running_cache import eventually
from doubles.upstream import Upstream
from dtr_content_cache.settings.model import Upstream as Hop
from dtr_content_cache.upstream.turns import Turns
from dtr_content_cache.values.events import CircleFound, FillEnded

BLOB = random.Random(91).randbytes(700_000)


@contextmanager
def _two(folder: Path, **options: object) -> Iterator[tuple[Upstream, InnerCache, InnerCache]]:
    """An origin and two caches, each of which asks the origin as long as nobody says otherwise."""
    with (
        Upstream() as origin,
        inner_cache(folder / "a", [origin.url], **options) as one,
        inner_cache(folder / "b", [origin.url], **options) as two,
    ):
        yield origin, one, two


def _ask_at(cache: InnerCache, *urls: str) -> None:
    hops = [Hop("http", "127.0.0.1", int(url.rpartition(":")[2])) for url in urls]
    cache.on_loop(lambda: setattr(cache.parts.attempts, "turns", Turns(hops, cache.parts.clock)))


def _name(cache: InnerCache) -> str:
    return cache.parts.deliveries.means.name


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_two_caches_that_know_only_each_other_refuse_at_once_and_name_the_circle(tmp_path: Path, method: str) -> None:
    with _two(tmp_path) as (origin, one, two):
        digest = origin.add(BLOB)
        _ask_at(one, two.url)
        _ask_at(two, one.url)
        began = time.monotonic()

        answer = one.get(digest, origin.grant(digest), method=method)

        assert answer.status_code == 508
        assert time.monotonic() - began < 5
        assert [told.chain for told in one.told(CircleFound)] == [f"{_name(one)} → {_name(two)} → {_name(one)}"]
        assert two.told(CircleFound) == []
        asked = [len(cache.told(FillEnded)) for cache in (one, two)]
        assert asked == ([1, 1] if method == "GET" else [0, 0]), "once round, not again and again"

        _ask_at(one, origin.url)
        assert one.get(digest, origin.grant(digest)).content == BLOB


def test_a_cache_that_names_itself_as_its_upstream(tmp_path: Path) -> None:
    with _two(tmp_path) as (origin, one, _):
        digest = origin.add(BLOB)
        _ask_at(one, one.url)

        assert one.get(digest, origin.grant(digest)).status_code == 508
        assert one.told(CircleFound)[0].chain == f"{_name(one)} → {_name(one)}"


def test_a_circle_beside_another_way_costs_no_pull(tmp_path: Path) -> None:
    with _two(tmp_path) as (origin, one, two):
        digest = origin.add(BLOB)
        _ask_at(one, two.url)
        _ask_at(two, one.url, origin.url)

        assert one.get(digest, origin.grant(digest)).content == BLOB
        eventually(lambda: one.is_stored(digest) and two.is_stored(digest))
        assert len(origin.blob_requests()) == 1


def test_who_has_the_blob_serves_it_however_the_request_came(tmp_path: Path) -> None:
    with _two(tmp_path) as (origin, one, _):
        digest = origin.add(BLOB)
        assert one.get(digest, origin.grant(digest)).content == BLOB
        eventually(lambda: one.is_stored(digest) and one.flights == 0)

        again = one.get(digest, origin.grant(digest), headers={"Via": f"1.1 {_name(one)}, 1.1 other"})

        assert (again.status_code, again.content) == (200, BLOB)


def test_two_caches_that_ask_each_other_for_the_same_blob_at_the_same_moment_both_get_it(tmp_path: Path) -> None:
    with _two(tmp_path, stalltimeout="1s") as (origin, one, two):
        digest = origin.add(BLOB)
        _ask_at(one, two.url, origin.url)
        _ask_at(two, one.url, origin.url)
        bodies: list[bytes] = []
        pulls = [
            threading.Thread(target=lambda cache=cache: bodies.append(cache.get(digest, origin.grant(digest)).content))
            for cache in (one, two)
        ]
        for pull in pulls:
            pull.start()
        for pull in pulls:
            pull.join(30)

        assert bodies == [BLOB, BLOB]


def test_in_mode_upstream_questions_go_round_no_more_than_once(tmp_path: Path) -> None:
    urls = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    with Upstream() as origin:
        digest = origin.add(BLOB)
        with (
            inner_cache(
                tmp_path / "a", [f"http://{urls[1]}"], http={"addr": urls[0]}, authorization="upstream"
            ) as one,
            inner_cache(
                tmp_path / "b", [f"http://{urls[0]}"], http={"addr": urls[1]}, authorization="upstream"
            ) as two,
        ):
            answers = [
                one.session.request(method, f"{one.url}/v2/{path}", timeout=30).status_code
                for method in ("GET", "HEAD")
                for path in (f"org/app/blobs/{digest}", "org/app/manifests/latest", f"org/app/manifests/{digest}", "")
            ]

            assert answers == [508] * 8
            assert len(one.told(CircleFound)) == 8
            assert two.told(CircleFound) == []
