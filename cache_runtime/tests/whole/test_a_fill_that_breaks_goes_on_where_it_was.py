"""What was fetched once is not fetched again: after a total break the next pull goes on with the bytes that are there,
with whatever grant is the freshest, and with nobody's wrong idea of the blob."""

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
from doubles.upstream import Answering, Upstream, cut_after, hold_after, status
from dtr_content_cache.delivery import attempts, parking
from dtr_content_cache.values.events import FillEnded, UpstreamFailed, UpstreamRecovered

BLOB = random.Random(21).randbytes(3_000_000)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)


@contextmanager
def _scene(folder: Path, **options: object) -> Iterator[tuple[Upstream, InnerCache, str]]:
    with Upstream() as upstream, inner_cache(folder, [upstream.url], **options) as cache:
        yield upstream, cache, upstream.add(BLOB)


def _broken_off(cache: InnerCache, upstream: Upstream, digest: str) -> int:
    """Pull while the upstream breaks for good; how much the client got before it was cut."""
    answer, got = cache.get(digest, upstream.grant(digest), stream=True), 0
    try:
        for piece in answer.iter_content(50_000):
            assert piece == BLOB[got : got + len(piece)]
            got += len(piece)
    except requests.RequestException:
        return got
    raise AssertionError("it completed")


def test_the_next_pull_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        upstream.faults, upstream.always = [cut_after(2_000_000)], status("503 Service Unavailable")
        assert _broken_off(cache, upstream, digest) == 2_000_000
        upstream.always = None

        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        assert upstream.blob_requests()[-1].headers["range"] == "bytes=2000000-"
        eventually(lambda: cache.is_stored(digest))


def test_a_client_that_goes_on_by_range_where_it_was_cut_gets_the_rest(tmp_path: Path) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        upstream.faults, upstream.always = [cut_after(2_000_000)], status("503 Service Unavailable")
        got = _broken_off(cache, upstream, digest)
        upstream.always = None

        rest = cache.get(digest, upstream.grant(digest), headers={"Range": f"bytes={got}-"})

        assert (rest.status_code, rest.content) == (206, BLOB[got:])


def test_what_nobody_comes_back_for_is_given_up_with_its_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "PARKED_S", 0.05)
    with _scene(tmp_path) as (upstream, cache, digest):
        upstream.faults, upstream.always = [cut_after(2_000_000)], status("503 Service Unavailable")
        _broken_off(cache, upstream, digest)

        eventually(lambda: cache.unfinished() == [])
        assert cache.on_loop(lambda: cache.parts.space._pledged) == 0


def test_room_that_waits_for_nobody_is_given_to_a_blob_that_somebody_waits_for(tmp_path: Path) -> None:
    with _scene(tmp_path, maxsize="4MB") as (upstream, cache, digest):
        space = cache.parts.space
        cache.on_loop(lambda: space.end_walk(space.begin_walk(), 0, []))  # as after the first walk over the volume
        upstream.faults, upstream.always = [cut_after(2_000_000)], status("503 Service Unavailable")
        _broken_off(cache, upstream, digest)
        upstream.always = None
        other = upstream.add(BLOB[::-1])

        assert cache.get(other, upstream.grant(other)).content == BLOB[::-1]
        eventually(lambda: cache.is_stored(other))


def test_a_wrong_length_told_before_the_break_does_not_stick_to_the_blob(tmp_path: Path) -> None:
    def half_of_it(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=1_500_000)
        answering.body(answering.blob[:1_000_000])
        answering.reset()

    with _scene(tmp_path) as (upstream, cache, digest):
        upstream.faults, upstream.always = [half_of_it], status("503 Service Unavailable")
        _broken_off(cache, upstream, digest)
        upstream.always = None

        pulls = []
        for _ in range(2):  # the first one may be cut: it was told the wrong length
            try:
                pulls.append(cache.get(digest, upstream.grant(digest)).content)
            except requests.RequestException:
                pulls.append(b"")
        assert pulls[-1] == BLOB


def test_a_grant_that_expires_under_way_does_not_cut_and_a_newer_reader_lends_its_own(tmp_path: Path) -> None:
    def strict(answering: Answering) -> None:
        answering.head("403 Forbidden", Content_Length=0)

    with _scene(tmp_path, clockskew="1ns") as (upstream, cache, digest):
        upstream.faults = [_held_then_cut(1_500_000)]
        now = int(time.time())
        brief = upstream.grant(digest, iat=now - 10, exp=now + 2, jti="brief")
        first = cache.get(digest, brief, stream=True)
        got = first.raw.read(1000)
        lasting = upstream.grant(digest, account="bob")
        second: list[bytes] = []
        reader = threading.Thread(target=lambda: second.append(_pull(cache, digest, lasting)))
        reader.start()
        eventually(lambda: cache.on_loop(lambda: cache.parts.deliveries.flights[0].readers == 2))
        eventually(lambda: time.time() > now + 2.1)
        upstream.always = lambda answering: (strict if answering.asked.query == f"grant={brief}" else Answering.well)(
            answering
        )
        upstream.release.set()

        assert got + first.raw.read() == BLOB
        reader.join(20)
        assert second == [BLOB]
        assert [asked.query for asked in upstream.blob_requests()] == [f"grant={brief}", f"grant={lasting}"]


def _held_then_cut(count: int):  # type: ignore[no-untyped-def]
    def fault(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=len(answering.blob))
        answering.body(answering.blob[:count])
        answering.upstream.release.wait(30)
        answering.reset()

    return fault


def _pull(cache: InnerCache, digest: str, grant: str) -> bytes:
    with requests.Session() as session:
        return session.get(f"{cache.url}/v2/org/app/blobs/{digest}?grant={grant}", timeout=30).content


def test_an_upstream_that_failed_rests_and_recovers_with_its_next_success(tmp_path: Path) -> None:
    with (
        Upstream() as ill,
        Upstream(origin=ill.origin, key=ill.key, blobs=ill.blobs) as well,
        inner_cache(tmp_path, [ill.url, well.url]) as cache,
    ):
        ill.always = status("500 Internal Server Error")
        digests = [ill.add(bytes([number]) * 5000) for number in range(4)]
        for digest in digests:
            assert cache.get(digest, ill.grant(digest)).status_code == 200

        assert [failed.hop for failed in cache.told(UpstreamFailed)] == [ill.url]
        assert len(ill.blob_requests()) == 1, "while it rests, it is asked last"
        ill.always = None
        well.stop()
        digest = ill.add(b"only the ill one is left")
        assert cache.get(digest, ill.grant(digest)).status_code == 200
        assert ill.url in [recovered.hop for recovered in cache.told(UpstreamRecovered)]


def test_a_connection_that_goes_dead_before_its_first_byte_is_no_reason_to_fail_the_pull(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "PATIENCE_S", 0.1)  # as the stall timeout is longer than it in life
    with _scene(tmp_path, stalltimeout="500ms") as (upstream, cache, digest):
        upstream.faults = [hold_after(0)]

        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        assert len(upstream.blob_requests()) == 2


def test_an_upstream_taken_away_by_a_reload_while_it_fails_ends_no_pull(tmp_path: Path) -> None:
    with (
        Upstream() as old,
        Upstream(origin=old.origin, key=old.key, blobs=old.blobs) as new,
        inner_cache(tmp_path / "new", [new.url]) as donor,
        inner_cache(tmp_path / "cache", [old.url]) as cache,
    ):
        digest = old.add(BLOB)
        old.faults = [_held_then_cut(1_000_000)]
        pull = cache.get(digest, old.grant(digest), stream=True)
        got = pull.raw.read(1000)
        cache.on_loop(lambda: setattr(cache.parts.attempts, "turns", donor.parts.attempts.turns))
        old.release.set()

        assert got + pull.raw.read() == BLOB
        assert [type(event).__name__ for event in cache.events if type(event).__name__ == "Fault"] == []


def test_every_fill_is_told_with_how_it_ended(tmp_path: Path) -> None:
    with _scene(tmp_path) as (upstream, cache, digest):
        upstream.faults = [cut_after(1_000_000), hold_after(10)]
        upstream.release.set()
        assert cache.get(digest, upstream.grant(digest)).content == BLOB

        [ended] = eventually(lambda: cache.told(FillEnded))
        assert (ended.outcome, ended.upstream_bytes) == ("stored", len(BLOB))
