"""Several caches on one directory, as behind a load balancer over shared storage: what one fetched all serve, and
whatever they do to each other's blobs, nobody ever gets or keeps wrong bytes."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream, cut_after, hold_after, wrong_byte

BLOBS = [random.Random(seed).randbytes(size) for seed, size in enumerate((100, 30_000, 200_000, 900_000) * 3)]


@contextmanager
def _caches(folder: Path, upstream: Upstream, *options: dict[str, Any]) -> Iterator[list[RunningCache]]:
    storage = {"filesystem": {"rootdirectory": str(folder / "shared")}}
    with ExitStack() as stack:
        yield [
            stack.enter_context(running_cache(folder / f"{number}", [upstream.url], storage=storage, **extra))
            for number, extra in enumerate(options)
        ]


def test_what_one_has_fetched_the_others_serve_without_asking(tmp_path: Path) -> None:
    with Upstream() as upstream, _caches(tmp_path, upstream, {}, {}) as (one, two):
        digests = [upstream.add(blob) for blob in BLOBS]
        for number, digest in enumerate(digests):
            first, then = (one, two) if number % 2 else (two, one)
            assert first.get(digest, upstream.grant(digest)).content == BLOBS[number]
            eventually(lambda first=first, digest=digest: first.is_stored(digest))
            again = then.get(digest, upstream.grant(digest))
            assert (again.content, again.headers["Cache-Status"]) == (BLOBS[number], "dtr-content-cache; hit")

        assert len(upstream.blob_requests()) == len(BLOBS)


def test_one_that_starts_or_sweeps_leaves_the_fills_of_the_others_alone(tmp_path: Path) -> None:
    with Upstream() as upstream, _caches(tmp_path, upstream, {}, {}) as (one, two):
        digest = upstream.add(BLOBS[3])
        upstream.faults = [hold_after(500_000)]
        pull = one.get(digest, upstream.grant(digest), stream=True)
        assert pull.raw.read(1000) == BLOBS[3][:1000]
        two.kill()
        two.start()
        eventually(lambda: "volume swept" in two.said)

        upstream.release.set()
        assert pull.raw.read() == BLOBS[3][1000:]
        eventually(lambda: two.is_stored(digest))
        assert two.get(digest, upstream.grant(digest)).headers["Cache-Status"] == "dtr-content-cache; hit"


def test_three_that_fetch_evict_restart_and_die_never_give_a_wrong_byte(tmp_path: Path) -> None:
    with (
        Upstream() as upstream,
        _caches(tmp_path, upstream, {"blobttl": "1s"}, {"maxsize": "1500kB"}, {}) as caches,
    ):
        digests = [upstream.add(blob) for blob in BLOBS]
        upstream.faults = [None, cut_after(50), wrong_byte(60), None, cut_after(20_000)] * 8
        over, wrong, got = threading.Event(), list[str](), list[int]()

        def pull(seed: int) -> None:
            chance = random.Random(seed)
            while not over.is_set():
                number, cache = chance.randrange(len(BLOBS)), chance.choice(caches)
                url = f"{cache.url}/v2/org/app/blobs/{digests[number]}?grant={upstream.grant(digests[number])}"
                try:
                    answer = requests.get(url, timeout=30)
                except requests.RequestException:
                    continue  # cut off, or its cache is just dead: never complete and wrong
                if answer.status_code == 200:
                    got.append(number)
                    if answer.content != BLOBS[number]:
                        wrong.append(digests[number])

        pulls = [threading.Thread(target=pull, args=(seed,)) for seed in range(4)]
        for one in pulls:
            one.start()
        for victim in (2, 0, 1):
            so_far = len(got)
            eventually(lambda so_far=so_far: len(got) > so_far + 25, 60)
            caches[victim].kill()
            caches[victim].start()
        over.set()
        for one in pulls:
            one.join(60)

        assert wrong == []
        assert caches[0].wrong_blobs() == []
        assert set(got) == set(range(len(BLOBS)))
        assert [cache for cache in caches if "Traceback" in cache.said] == []
        caches[1].kill()
        caches[1].start()
        eventually(lambda: "volume swept" in caches[1].said)
        eventually(lambda: caches[1].unfinished() == [], 70)
