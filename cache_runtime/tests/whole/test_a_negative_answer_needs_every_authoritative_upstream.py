"""404 and 403 end a real client's pull. So they are said only when no upstream that could know says otherwise, and what
may pass is waited for or answered with 503 and the time to come back."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from doubles.inner_cache import InnerCache, inner_cache
from doubles.ports import free_port
from doubles.running_cache import eventually
from doubles.upstream import Fault, Upstream, status
from dtr_content_cache.delivery import attempts

BLOB = b"layer" * 1000
KNOWS_NOT, DENIES = ("404 Not Found", "410 Gone"), ("401 Unauthorized", "403 Forbidden")
LIMITS = "429 Too Many Requests"
FAILS = (
    LIMITS,
    "500 Internal Server Error",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "400 Bad Request",
)
WELL = "200 OK"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Upstream, Upstream, InnerCache]]:
    with (
        Upstream() as one,
        Upstream(origin=one.origin, key=one.key, blobs=one.blobs) as two,
        inner_cache(tmp_path_factory.mktemp("pair"), [one.url, two.url]) as cache,
    ):
        yield one, two, cache


def _answer(line: str) -> Fault | None:
    return None if line == WELL else status(line)


def _expected(first: str, second: str) -> int:
    lines = {first, second}
    if WELL in lines:
        return 200
    if lines & set(FAILS):
        return 429 if lines & set(FAILS) == {LIMITS} else 503
    return 403 if lines & set(DENIES) else 404


@pytest.mark.parametrize(("first", "second"), list(itertools.product((WELL, *KNOWS_NOT, *DENIES, *FAILS), repeat=2)))
def test_every_pair_of_answers_in_either_order(
    pair: tuple[Upstream, Upstream, InnerCache], first: str, second: str
) -> None:
    one, two, cache = pair
    digest = one.add(f"{first}{second}".encode())
    one.always, two.always = _answer(first), _answer(second)
    cache.forgive()

    answer = cache.get(digest, one.grant(digest))

    assert answer.status_code == _expected(first, second)
    if answer.status_code == 200:
        eventually(lambda: cache.is_stored(digest))
    assert cache.is_stored(digest) == (answer.status_code == 200)


@contextmanager
def _one(folder: Path, **options: object) -> Iterator[tuple[Upstream, InnerCache]]:
    with Upstream() as upstream, inner_cache(folder, [upstream.url], **options) as cache:
        yield upstream, cache


def test_an_upstream_that_asks_to_be_left_alone_for_a_moment_is_and_then_delivers(tmp_path: Path) -> None:
    with _one(tmp_path) as (upstream, cache):
        digest = upstream.add(BLOB)
        upstream.faults = [status("429 Too Many Requests", Retry_After=1)]
        began = time.monotonic()

        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        assert time.monotonic() - began >= 0.9
        assert len(upstream.blob_requests()) == 2


def test_an_upstream_that_asks_for_longer_gets_its_wish_passed_on_and_is_not_asked_again(tmp_path: Path) -> None:
    with _one(tmp_path) as (upstream, cache):
        digest = upstream.add(BLOB)
        upstream.always = status("503 Service Unavailable", Retry_After=120)

        answer = cache.get(digest, upstream.grant(digest))

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120")
        assert answer.json()["errors"][0]["code"] == "UNAVAILABLE"
        assert len(upstream.blob_requests()) == 1


def test_while_one_upstream_asks_to_be_left_alone_the_other_is_tried_again(
    pair: tuple[Upstream, Upstream, InnerCache],
) -> None:
    one, two, cache = pair
    digest = one.add(b"the other recovers")
    one.always, two.always = status("503 Service Unavailable", Retry_After=120), None
    two.faults = [status("500 Internal Server Error")]
    cache.forgive()
    before = len(one.blob_requests())

    assert cache.get(digest, one.grant(digest)).status_code == 200
    assert len(one.blob_requests()) == before + 1


def test_an_answer_that_denies_is_not_remembered(tmp_path: Path) -> None:
    with _one(tmp_path) as (upstream, cache):
        digest = upstream.add(BLOB)
        for line, expected in (("404 Not Found", 404), ("403 Forbidden", 403), ("401 Unauthorized", 403)):
            upstream.faults = [status(line)]
            assert cache.get(digest, upstream.grant(digest)).status_code == expected
            assert cache.get(digest, upstream.grant(digest), method="HEAD").status_code == 200

        assert cache.get(digest, upstream.grant(digest)).content == BLOB


def test_a_dead_cache_before_the_origin_does_not_make_an_unknown_blob_a_failure(tmp_path: Path) -> None:
    with Upstream() as origin:
        dead = f"http://127.0.0.1:{free_port()}"
        upstreams = [{"originhost": origin.url, "upstreamhosts": [dead]}]
        with inner_cache(tmp_path, upstreams) as cache:  # type: ignore[arg-type]
            unknown = "sha256:" + "0" * 64

            assert cache.get(unknown, origin.grant(unknown)).status_code == 404
            assert len(origin.blob_requests()) == 1


def test_what_a_client_is_told_names_no_upstream_no_path_and_no_grant(tmp_path: Path) -> None:
    with _one(tmp_path) as (upstream, cache):
        digest = upstream.add(BLOB)
        grant = upstream.grant(digest)
        for line in ("404 Not Found", "403 Forbidden", "500 Internal Server Error"):
            upstream.always = status(line, X_Secret="secret-of-the-upstream")
            answer: requests.Response = cache.get(digest, grant)
            told = answer.text + str(answer.headers)
            assert not [word for word in (str(upstream.port), str(tmp_path), grant, "secret-of") if word in told]
