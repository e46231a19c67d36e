"""How many fills at the same time, how many bytes a second; and blobs of unusual sizes and framings."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from doubles.inner_cache import InnerCache, inner_cache
from doubles.lies import fault, send
from doubles.running_cache import eventually
from doubles.upstream import Upstream, hold_after


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


def _in_background(cache: InnerCache, upstream: Upstream, digest: str) -> tuple[threading.Thread, list[bytes]]:
    bodies: list[bytes] = []
    url = f"{cache.url}/v2/org/app/blobs/{digest}?grant={upstream.grant(digest)}"
    pull = threading.Thread(target=lambda: bodies.append(requests.get(url, timeout=30).content))
    pull.start()
    return pull, bodies


def test_with_one_fill_at_a_time_the_second_blob_waits_and_then_comes(tmp_path: Path, upstream: Upstream) -> None:
    with inner_cache(tmp_path, [upstream.url], maxfills=1) as cache:
        first, second = upstream.add(b"first" * 100_000), upstream.add(b"second" * 100_000)
        upstream.faults = [hold_after(10)]
        pull_first, bodies_first = _in_background(cache, upstream, first)
        eventually(lambda: len(upstream.blob_requests()) == 1)
        pull_second, bodies_second = _in_background(cache, upstream, second)
        eventually(lambda: cache.flights == 2)
        assert len(upstream.blob_requests()) == 1
        upstream.release.set()
        pull_first.join(20)
        pull_second.join(20)

        assert (bodies_first, bodies_second) == ([b"first" * 100_000], [b"second" * 100_000])


def test_hits_and_heads_do_not_wait_for_a_fill_slot(tmp_path: Path, upstream: Upstream) -> None:
    with inner_cache(tmp_path, [upstream.url], maxfills=1) as cache:
        warm, cold, other = upstream.add(b"warm"), upstream.add(b"cold" * 100_000), upstream.add(b"other")
        cache.get(warm, upstream.grant(warm))
        eventually(lambda: cache.is_stored(warm) and cache.flights == 0)
        upstream.faults = [hold_after(10)]
        pull, _ = _in_background(cache, upstream, cold)
        eventually(lambda: cache.flights == 1)

        assert cache.get(warm, upstream.grant(warm)).content == b"warm"
        assert cache.get(other, upstream.grant(other), method="HEAD").headers["Content-Length"] == "5"
        upstream.release.set()
        pull.join(20)


def test_the_cap_holds_over_all_fills_together(tmp_path: Path, upstream: Upstream) -> None:
    with inner_cache(tmp_path, [upstream.url], maxfillrate="1MB") as cache:
        digests = [upstream.add(random.Random(seed).randbytes(400_000)) for seed in (1, 2)]
        began = time.monotonic()
        pulls = [_in_background(cache, upstream, digest)[0] for digest in digests]
        for pull in pulls:
            pull.join(20)

        assert all(cache.is_stored(digest) for digest in digests) or eventually(lambda: cache.flights == 0)
        assert time.monotonic() - began >= 0.6


def test_an_empty_blob(tmp_path: Path, upstream: Upstream) -> None:
    with inner_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(b"")
        for expected in ("dtr-content-cache; fwd=uri-miss; stored", "dtr-content-cache; hit"):
            answer = cache.get(digest, upstream.grant(digest))
            assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")
            assert answer.headers["Cache-Status"] == expected
            eventually(lambda: cache.is_stored(digest) and cache.flights == 0)


def test_an_upstream_that_calls_a_blob_empty_is_not_believed(tmp_path: Path, upstream: Upstream) -> None:
    with inner_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(b"not empty at all")
        upstream.faults = [lambda answering: answering.head("200 OK", Content_Length=0)]

        assert cache.get(digest, upstream.grant(digest)).content == b"not empty at all"


@pytest.mark.parametrize("framing", ["chunked", "until-close"])
def test_a_blob_whose_transfer_does_not_tell_its_length(tmp_path: Path, upstream: Upstream, framing: str) -> None:
    with inner_cache(tmp_path, [upstream.url]) as cache:
        blob = random.Random(5).randbytes(1_500_000)
        digest = upstream.add(blob)
        upstream.always = fault(lambda answering, data, at, how: send(answering, data, how), 0, framing)

        answer = cache.get(digest, upstream.grant(digest))

        assert (answer.headers["Content-Length"], answer.content == blob) == (str(len(blob)), True)
        eventually(lambda: cache.is_stored(digest))


def test_blobs_around_every_size_at_which_something_changes(tmp_path: Path, upstream: Upstream) -> None:
    edges = [size + step for size in (64 << 10, 128 << 10, 256 << 10, 1 << 20) for step in (-1, 0, 1)]
    with inner_cache(tmp_path, [upstream.url]) as cache:
        for size in (1, 2, *edges):
            blob = random.Random(size).randbytes(size)
            digest = upstream.add(blob)
            for _ in range(2):
                assert cache.get(digest, upstream.grant(digest)).content == blob
