"""Twenty gibibytes on a thin line: no number is too small for it, no time too long, as long as bytes come."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from doubles.inner_cache import InnerCache, inner_cache
from doubles.running_cache import eventually
from doubles.upstream import Answering, Upstream, hold_after
from doubles.vast import Vast, vast_bytes
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import UpstreamFailed

GIB = 1 << 30
TOTAL = 20 * GIB
DIGEST = "sha256:" + "5e" * 32  # of nothing here: whatever is asked is picked out, and so not judged
PLACES = (2**31 - 50, 2**32 - 50, 3 * 2**32 + 7, TOTAL - 100)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


def _range(cache: InnerCache, upstream: Upstream, asked: str, **options: object) -> requests.Response:
    headers = {"Range": f"bytes={asked}"}
    return cache.get(DIGEST, upstream.grant(DIGEST), headers=headers, **options)  # type: ignore[no-any-return]


def _holds(cache: InnerCache, upstream: Upstream) -> None:
    """What is promised of such a blob wherever its bytes are."""
    for place in PLACES:
        answer = _range(cache, upstream, f"{place}-{place + 99}")
        assert (answer.status_code, answer.content) == (206, vast_bytes(place, place + 100))
        assert answer.headers["Content-Range"] == f"bytes {place}-{place + 99}/{TOTAL}"
    assert _range(cache, upstream, "-9").content == vast_bytes(TOTAL - 9, TOTAL)
    parts = _range(cache, upstream, ",".join(f"{place}-{place + 9}" for place in PLACES))
    assert [vast_bytes(place, place + 10) in parts.content for place in PLACES] == [True] * len(PLACES)
    assert _range(cache, upstream, f"{TOTAL}-").headers["Content-Range"] == f"bytes */{TOTAL}"
    head = cache.get(DIGEST, upstream.grant(DIGEST), method="HEAD")
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(TOTAL))


def test_every_place_of_a_cold_one_comes_while_the_rest_is_on_its_way(tmp_path: Path, upstream: Upstream) -> None:
    upstream.blobs[DIGEST] = Vast(0, TOTAL)  # type: ignore[assignment]
    upstream.faults = [hold_after(1000)]
    with inner_cache(tmp_path, [upstream.url], minfree="1B") as cache:
        whole = cache.get(DIGEST, upstream.grant(DIGEST), stream=True)
        assert (whole.headers["Content-Length"], whole.raw.read(1000)) == (str(TOTAL), vast_bytes(0, 1000))

        _holds(cache, upstream)
        assert sum(asked.sent for asked in upstream.blob_requests()) < 8 << 20
        whole.close()


def test_every_place_is_streamed_through_where_there_is_no_room(tmp_path: Path, upstream: Upstream) -> None:
    upstream.blobs[DIGEST] = Vast(0, TOTAL)  # type: ignore[assignment]
    with inner_cache(tmp_path, [upstream.url], maxsize="1GiB") as cache:
        _holds(cache, upstream)


def test_every_place_of_a_stored_one_comes_and_more_than_two_gibibytes_in_one_answer(
    tmp_path: Path, upstream: Upstream
) -> None:
    with inner_cache(tmp_path, [upstream.url]) as cache:
        _lay_down(cache)

        _holds(cache, upstream)
        assert upstream.blob_requests() == []
        length, last = 0, b""
        with _range(cache, upstream, f"5-{2**31 + 149}", stream=True) as answer:
            assert answer.headers["Content-Length"] == str(2**31 + 145)
            for piece in answer.raw.stream(4 << 20):
                length, last = length + len(piece), piece[-100:] if len(piece) >= 100 else (last + piece)[-100:]
        assert (length, last) == (2**31 + 145, vast_bytes(2**31 + 50, 2**31 + 150))


def _lay_down(cache: InnerCache) -> None:
    """A sparse file in the blob's place, with bytes where somebody looks; trusted as if it had been hashed."""
    path = cache.stored(DIGEST)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(TOTAL)
        for place in (*PLACES, 2**31 + 50, TOTAL - 9):
            os.pwrite(file.fileno(), vast_bytes(place, min(place + 100, TOTAL)), place)
    parts, digest = cache.parts, Digest.parse(DIGEST)

    def trust() -> None:
        identity = parts.store.identity(digest)
        assert identity is not None
        parts.deliveries.verdicts.trust(digest, identity)

    cache.on_loop(trust)


def test_a_transfer_takes_as_long_as_it_takes_while_bytes_come(tmp_path: Path, upstream: Upstream) -> None:
    blob = vast_bytes(0, 30_000)
    began = time.monotonic()

    def thin(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=len(blob))
        for at in range(0, len(blob), 1000):
            time.sleep(0.1)  # what a thin line does
            answering.body(blob[at : at + 1000])

    with inner_cache(tmp_path, [upstream.url], stalltimeout="400ms") as cache:
        digest = upstream.add(blob)
        upstream.always = thin

        assert cache.get(digest, upstream.grant(digest)).content == blob
        assert time.monotonic() - began > 7 * 0.4
        assert cache.told(UpstreamFailed) == []
        eventually(lambda: cache.is_stored(digest))
