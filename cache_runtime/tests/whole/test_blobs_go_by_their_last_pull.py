"""Retention end to end: a TTL from the last pull, a size, a switch that keeps all, a kill that loses nothing."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream, hold_after

A, B, C = (random.Random(seed).randbytes(400_000) for seed in (41, 42, 43))


def stored(cache: RunningCache, upstream: Upstream, data: bytes) -> str:
    digest = upstream.add(data)
    assert cache.get(digest, upstream.grant(digest)).content == data
    eventually(lambda: f'stored" digest="{digest}"' in cache.said)  # synced, named, its pull noted
    return digest


def sweep(cache: RunningCache) -> None:
    """A reload looks at the volume anew."""
    before = cache.said.count("configuration reloaded")
    cache.hang_up()
    eventually(lambda: cache.said.count("configuration reloaded") > before)
    eventually(lambda: "volume swept" in cache.said.rpartition("configuration reloaded")[2])


def last_pull_s(cache: RunningCache, digest: str) -> float:
    return cache.stored(digest).parent.stat().st_mtime


def test_a_blob_that_is_pulled_stays_and_one_that_is_not_goes(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], blobttl="3s") as cache:
        pulled, forgotten = stored(cache, upstream, A), stored(cache, upstream, B)
        ends = time.monotonic() + 6

        def gone() -> bool:
            assert cache.get(pulled, upstream.grant(pulled)).content == A
            return not cache.is_stored(forgotten) and time.monotonic() > ends

        eventually(gone, 20)

        assert cache.is_stored(pulled)
        assert len([one for one in upstream.blob_requests() if pulled in one.path]) == 1
        assert cache.get(forgotten, upstream.grant(forgotten)).content == B


def test_maxsize_keeps_the_most_recently_pulled(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], maxsize="1MB") as cache:
        first, second = stored(cache, upstream, A), stored(cache, upstream, B)
        os.utime(cache.stored(second).parent, (0, time.time() - 100))
        sweep(cache)
        third = stored(cache, upstream, C)

        assert not cache.is_stored(second)
        assert cache.is_stored(first)
        assert cache.is_stored(third)


def test_a_blob_that_is_evicted_while_it_is_sent_is_sent_to_its_end(tmp_path: Path) -> None:
    big = random.Random(44).randbytes(30_000_000)
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], blobttl="1s") as cache:
        digest = stored(cache, upstream, big)
        slow = cache.get(digest, upstream.grant(digest), stream=True)
        eventually(lambda: not cache.is_stored(digest), 20)

        assert slow.content == big


def test_without_delete_enabled_nothing_ever_goes(tmp_path: Path) -> None:
    storage = {"delete": {"enabled": False}}
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], storage=storage, blobttl=None) as cache:
        digests = [stored(cache, upstream, data) for data in (A, B)]
        for digest in digests:
            os.utime(cache.stored(digest).parent, (0, 0))
        cache.config["middleware"]["registry"][0]["options"]["maxsize"] = "500kB"
        cache.write_config()
        sweep(cache)

        digest = upstream.add(C)
        assert cache.get(digest, upstream.grant(digest)).content == C
        assert [cache.is_stored(one) for one in (*digests, digest)] == [True, True, False]


def test_a_kill_loses_neither_a_last_pull_nor_a_stored_blob_and_leaves_nothing_of_a_fill(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = stored(cache, upstream, A)
        os.utime(cache.stored(digest).parent, (0, 0))
        # A pull is noted at most once a second; what was noted before the folder was aged is forgotten by then.
        folder = cache.stored(digest).parent
        eventually(lambda: cache.get(digest, upstream.grant(digest)).ok and folder.stat().st_mtime > 0)
        half = upstream.add(B)
        upstream.faults = [hold_after(100_000)]
        cache.get(half, upstream.grant(half), stream=True)
        eventually(lambda: cache.unfinished())
        cache.kill()

        assert abs(time.time() - last_pull_s(cache, digest)) < 60
        cache.start()
        eventually(lambda: cache.unfinished() == [])
        assert cache.get(half, upstream.grant(half)).content == B
        assert cache.get(digest, upstream.grant(digest)).content == A
        assert cache.wrong_blobs() == []


def test_a_vendors_volume_is_served_at_once_and_its_own_files_stay(tmp_path: Path) -> None:
    with Upstream() as upstream:
        digest = upstream.add(A)
        hexes = digest.removeprefix("sha256:")
        volume = tmp_path / "volume"
        files = {
            f"docker/registry/v2/blobs/sha256/{hexes[:2]}/{hexes}/data": A,
            f"docker/registry/v2/repositories/org/app/_layers/sha256/{hexes}/link": digest.encode(),
            "scheduler-state.json": b"",
        }
        for name, data in files.items():
            (volume / name).parent.mkdir(parents=True, exist_ok=True)
            (volume / name).write_bytes(data)
        with running_cache(tmp_path, [upstream.url]) as cache:
            answer = cache.get(digest, upstream.grant(digest))

        assert answer.content == A
        assert answer.headers["Cache-Status"] == "dtr-content-cache; hit"
        assert upstream.blob_requests() == []
        assert {name: (volume / name).read_bytes() for name in files} == files
