"""One hashing for all who ask meanwhile, one verdict, and what follows from a bad one once."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from doubles.volume import put
from dtr_content_cache.delivery.scrub import Scrubber
from dtr_content_cache.delivery.verification import Verdicts
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import BlobQuarantined

LARGE = random.Random(5).randbytes(2_000_000)
SMALL = LARGE[:1000]


def _rotten(hangar: Any, data: bytes) -> Digest:
    digest = put(hangar.store, data, 1.0)
    path = hangar.store.layout.data(digest)
    with open(path, "r+b") as file:
        file.write(bytes([data[0] ^ 1]))
    return digest


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_rot_that_many_wait_for_is_set_aside_and_counted_once(hangar: Any, data: bytes) -> None:
    lost: list[tuple[Digest, int]] = []
    verdicts = Verdicts(hangar.store, hangar.threads, hangar.events.append, lambda *what: lost.append(what))
    digest = _rotten(hangar, data)

    async def wait() -> bool | None:
        blob = hangar.store.open(digest)
        if blob is None:
            return False  # set aside already
        check = verdicts.check(digest, blob)
        try:
            return await verdicts.settled(check)
        finally:
            check.release()

    async def work() -> list[bool | None]:
        return await asyncio.gather(*(wait() for _ in range(8)))

    assert hangar.run(work) == [False] * 8
    assert lost == [(digest, len(data))]
    assert [type(event) for event in hangar.events] == [BlobQuarantined]


def test_rot_that_the_scrub_finds_is_counted_too(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[tuple[Digest, int]] = []
    good, rotten = put(hangar.store, SMALL[1:], 1.0), _rotten(hangar, SMALL)

    Scrubber(hangar.store, hangar.threads, hangar.events.append, lambda *what: lost.append(what)).scrub()

    assert lost == [(rotten, len(SMALL))]
    blob = hangar.store.open(good)
    assert blob is not None
    hangar.store.files.close(blob.fd)
