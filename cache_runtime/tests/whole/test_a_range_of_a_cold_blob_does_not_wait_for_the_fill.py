"""Clients that resume, fetch in parallel or read lazily ask for ranges of a blob that is still being fetched: a far one
is fetched at once, into the same file, and each byte leaves the upstream about once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from doubles.inner_cache import InnerCache, inner_cache
from doubles.running_cache import eventually
from doubles.upstream import Answering, Fault, Upstream, cut_after, hold_after, status
from dtr_content_cache.delivery import attempts

MIB = 1 << 20
BLOB = random.Random(11).randbytes(12 * MIB)


@contextmanager
def _scene(folder: Path, others: int = 0) -> Iterator[tuple[Upstream, InnerCache, str]]:
    with Upstream() as upstream, inner_cache(folder, [upstream.url]) as cache:
        yield upstream, cache, upstream.add(BLOB)


def _range(cache: InnerCache, upstream: Upstream, digest: str, asked: str, **options: object) -> requests.Response:
    with requests.Session() as session:
        url = f"{cache.url}/v2/org/app/blobs/{digest}?grant={upstream.grant(digest)}"
        return session.get(url, headers={"Range": f"bytes={asked}"}, timeout=30, **options)  # type: ignore[arg-type]


def _held_whole(cache: InnerCache, upstream: Upstream, digest: str, at: int = 100_000) -> requests.Response:
    """A pull of the whole that has come to `at`, where the upstream waits for the test."""
    upstream.faults = [hold_after(at)]
    pull = cache.get(digest, upstream.grant(digest), stream=True)
    assert pull.raw.read(1000) == BLOB[:1000]
    return pull


def test_a_far_range_comes_while_the_transfer_stands_still_and_each_byte_is_fetched_once(tmp_path: Path) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        whole = _held_whole(cache, upstream, digest)

        far = _range(cache, upstream, digest, f"{6 * MIB}-{10 * MIB - 1}")

        assert (far.status_code, far.content) == (206, BLOB[6 * MIB : 10 * MIB])
        upstream.release.set()
        assert whole.raw.read() == BLOB[1000:]
        asked = [request.headers.get("range") for request in upstream.blob_requests()]
        assert asked == [None, f"bytes={6 * MIB}-{10 * MIB - 1}", f"bytes={10 * MIB}-"]
        eventually(lambda: cache.is_stored(digest))
        assert cache.flights == 0 or eventually(lambda: cache.flights == 0)


@pytest.mark.parametrize("of_another", [False, True], ids=["alone", "beside a range of somebody else"])
def test_a_transfer_outlasts_its_grant_whatever_others_ask_for(tmp_path: Path, of_another: bool) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        upstream.faults = [hold_after(100_000), *[None] * of_another]
        upstream.always = status("403 Forbidden")  # by then every grant has expired
        soon = upstream.grant(digest, exp=int(time.time()) + 20)
        whole = cache.get(digest, soon, stream=True)
        assert whole.raw.read(1000) == BLOB[:1000]
        if of_another:
            url, asked = f"{cache.url}/v2/org/app/blobs/{digest}?grant={soon}", f"bytes={6 * MIB}-{7 * MIB - 1}"
            assert requests.get(url, headers={"Range": asked}, timeout=30).content == BLOB[6 * MIB : 7 * MIB]
        upstream.release.set()

        assert whole.raw.read() == BLOB[1000:]
        eventually(lambda: cache.is_stored(digest))


def test_the_footer_of_a_blob_comes_at_once(tmp_path: Path) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        whole = _held_whole(cache, upstream, digest)

        for asked, wanted in (("-51", BLOB[-51:]), (f"{len(BLOB) - 900_000}-{len(BLOB) - 1}", BLOB[-900_000:])):
            assert _range(cache, upstream, digest, asked).content == wanted
        whole.close()


def test_a_leap_that_comes_late_and_lies_changes_nothing_that_has_been_judged(tmp_path: Path) -> None:
    late = threading.Event()

    def lies_late(answering: Answering) -> None:
        start, end = answering.asked.start, answering.asked.end(len(BLOB))
        content_range = f"bytes {start}-{end - 1}/{len(BLOB)}"
        answering.head("206 Partial Content", Content_Length=end - start, Content_Range=content_range)
        late.wait(20)
        answering.body(bytes(byte ^ 1 for byte in BLOB[start:end]))

    with _scene(tmp_path) as (upstream, cache, digest):
        whole = _held_whole(cache, upstream, digest)
        upstream.faults = [lies_late]
        footer: list[bytes] = []
        reader = threading.Thread(target=lambda: footer.append(_range(cache, upstream, digest, "-51").content))
        reader.start()
        eventually(lambda: len(upstream.blob_requests()) == 2)
        upstream.release.set()
        [flight] = cache.on_loop(lambda: cache.parts.deliveries.flights)
        eventually(lambda: flight.filling is not None and flight.filling.present_bytes() == len(BLOB))
        late.set()

        assert whole.raw.read() == BLOB[1000:]
        reader.join(20)
        assert footer == [BLOB[-51:]]
        eventually(lambda: cache.is_stored(digest))
        assert cache.wrong_blobs() == []


def test_a_near_range_waits_for_the_transfer_that_is_about_to_bring_it(tmp_path: Path) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        whole = _held_whole(cache, upstream, digest)
        near: list[bytes] = []
        reader = threading.Thread(target=lambda: near.append(_range(cache, upstream, digest, "200000-299999").content))
        reader.start()
        eventually(lambda: any(flight.readers == 2 for flight in cache.on_loop(lambda: cache.parts.deliveries.flights)))
        upstream.release.set()
        reader.join(20)

        assert near == [BLOB[200_000:300_000]]
        assert whole.raw.read() == BLOB[1000:]
        assert len(upstream.blob_requests()) == 1


@pytest.mark.parametrize("parts", [4, 16])
def test_parallel_ranges_of_one_cold_blob_cost_it_about_once(tmp_path: Path, parts: int) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        size = len(BLOB) // parts
        got: dict[int, bytes] = {}

        def fetch(number: int) -> None:
            got[number] = _range(cache, upstream, digest, f"{number * size}-{(number + 1) * size - 1}").content

        readers = [threading.Thread(target=fetch, args=(number,)) for number in range(parts)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(30)

        assert b"".join(got[number] for number in range(parts)) == BLOB
        eventually(lambda: cache.is_stored(digest))
        read = sum(ended.upstream_bytes for ended in cache.events if type(ended).__name__ == "FillEnded")
        assert read <= len(BLOB) * 1.25


def test_a_client_that_goes_on_after_a_break_gets_the_rest_only_with_the_verdict(tmp_path: Path) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        whole = _held_whole(cache, upstream, digest)

        rest = _range(cache, upstream, digest, f"{11 * MIB}-", stream=True)

        assert rest.raw.read(1000) == BLOB[11 * MIB : 11 * MIB + 1000]
        assert not cache.is_stored(digest)
        upstream.release.set()
        assert rest.raw.read() == BLOB[11 * MIB + 1000 :]
        assert whole.raw.read() == BLOB[1000:]


def test_the_rest_of_a_blob_that_turns_out_wrong_never_completes(tmp_path: Path) -> None:
    wrong = bytearray(BLOB)
    wrong[5] ^= 1
    with _scene(tmp_path) as (upstream, cache, digest):
        upstream.always = lambda answering: answering.well(bytes(wrong))

        try:
            complete = _range(cache, upstream, digest, f"{11 * MIB}-").status_code == 206
        except requests.RequestException:
            complete = False

        assert not complete
        assert cache.wrong_blobs() == []
        assert not cache.is_stored(digest)


@pytest.mark.parametrize("fault", [status("500 Internal Server Error"), cut_after(0)], ids=["an error", "a cut"])
def test_a_leap_that_fails_is_tried_once_and_then_waits_for_the_fill(
    tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)
    with _scene(tmp_path) as (upstream, cache, digest):
        whole = _held_whole(cache, upstream, digest)
        upstream.always = lambda answering: (fault if answering.asked.start == 6 * MIB else Answering.well)(answering)
        far: list[bytes] = []
        reader = threading.Thread(
            target=lambda: far.append(_range(cache, upstream, digest, f"{6 * MIB}-{7 * MIB - 1}").content)
        )
        reader.start()
        eventually(lambda: len(upstream.blob_requests()) == 2)
        eventually(lambda: not cache.on_loop(lambda: cache.parts.deliveries.flights[0]._leaps.segments))
        assert len(upstream.blob_requests()) == 2
        upstream.always = None
        upstream.release.set()
        reader.join(20)

        assert far == [BLOB[6 * MIB : 7 * MIB]]
        assert whole.raw.read() == BLOB[1000:]


def test_an_upstream_that_ignores_ranges_serves_far_readers_by_the_fill_and_is_not_called_ill(tmp_path: Path) -> None:
    def whole_always(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=len(answering.blob))
        answering.body(answering.blob)

    with _scene(tmp_path) as (upstream, cache, digest):
        whole = _held_whole(cache, upstream, digest)
        upstream.always = whole_always
        far: list[bytes] = []
        reader = threading.Thread(
            target=lambda: far.append(_range(cache, upstream, digest, f"{6 * MIB}-{7 * MIB - 1}").content)
        )
        reader.start()
        eventually(lambda: len(upstream.blob_requests()) == 2)
        upstream.release.set()
        reader.join(20)

        assert far == [BLOB[6 * MIB : 7 * MIB]]
        assert whole.raw.read() == BLOB[1000:]
        assert [event for event in cache.events if type(event).__name__ == "UpstreamFailed"] == []
        assert len(upstream.blob_requests()) <= 3


def test_several_ranges_of_a_cold_blob_come_as_parts(tmp_path: Path) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        answer = _range(cache, upstream, digest, f"0-9,{5 * MIB}-{5 * MIB + 9},-10")

        assert answer.status_code == 206
        assert answer.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
        for piece in (BLOB[:10], BLOB[5 * MIB : 5 * MIB + 10], BLOB[-10:]):
            assert piece in answer.content


def test_a_range_behind_the_end_of_a_cold_blob_is_refused_with_its_length(tmp_path: Path) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        answer = _range(cache, upstream, digest, f"{len(BLOB)}-")

        assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(BLOB)}")
