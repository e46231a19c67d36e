"""Whoever asks for a blob that is being fetched joins the fetch."""

from __future__ import annotations

import random
import threading
from pathlib import Path

from doubles.running_cache import eventually, running_cache
from doubles.upstream import Upstream, cut_after, hold_after


def test_sixteen_clients_on_a_cold_blob_cost_one_upstream_request(tmp_path: Path) -> None:
    blob = random.Random(1).randbytes(3_000_000)
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(blob)
        upstream.faults = [hold_after(100_000)]
        bodies: list[bytes] = []

        def pull() -> None:
            bodies.append(cache.get(digest, upstream.grant(digest)).content)

        clients = [threading.Thread(target=pull) for _ in range(16)]
        for client in clients:
            client.start()
        eventually(lambda: len(upstream.blob_requests()) == 1)
        upstream.release.set()
        for client in clients:
            client.join(30)

        assert bodies == [blob] * 16
        assert len(upstream.blob_requests()) == 1
        assert upstream.blob_requests()[0].sent == len(blob)


def test_a_client_that_leaves_does_not_end_the_fill_that_another_waits_for(tmp_path: Path) -> None:
    blob = random.Random(2).randbytes(2_000_000)
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(blob)
        upstream.faults = [hold_after(1_000_000)]
        leaver = cache.get(digest, upstream.grant(digest), stream=True)
        leaver.raw.read(1000)
        stayer = cache.get(digest, upstream.grant(digest), stream=True)
        assert stayer.headers["Cache-Status"] == "dtr-content-cache; fwd=uri-miss; stored; collapsed"
        leaver.close()
        upstream.release.set()

        assert stayer.content == blob
        assert len(upstream.blob_requests()) == 1


def test_a_client_that_leaves_alone_still_leaves_the_blob_stored(tmp_path: Path) -> None:
    blob = random.Random(3).randbytes(2_000_000)
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(blob)
        upstream.faults = [hold_after(1_000_000)]
        leaver = cache.get(digest, upstream.grant(digest), stream=True)
        leaver.raw.read(1000)
        leaver.close()
        upstream.release.set()

        eventually(lambda: cache.is_stored(digest))
        assert cache.get(digest, upstream.grant(digest)).headers["Cache-Status"] == "dtr-content-cache; hit"
        assert len(upstream.blob_requests()) == 1


def test_a_transfer_that_breaks_goes_on_from_the_byte_it_has(tmp_path: Path) -> None:
    blob = random.Random(4).randbytes(2_000_000)
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(blob)
        upstream.faults = [cut_after(700_000), cut_after(500_000)]

        assert cache.get(digest, upstream.grant(digest)).content == blob
        assert [asked.headers.get("range") for asked in upstream.blob_requests()] == [
            None,
            "bytes=700000-",
            "bytes=1200000-",
        ]
