"""Where an answer goes on past the volume: from what is known of the bytes before it, as far as that is worth it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from doubles.upstream import Answering, cut_after, wrong_byte
from dtr_content_cache.delivery import bypass, streams
from dtr_content_cache.delivery.bypass import Bypass
from dtr_content_cache.delivery.means import Passage
from dtr_content_cache.delivery.relay import Relay
from dtr_content_cache.delivery.streams import Streams
from dtr_content_cache.delivery.trail import Trail
from dtr_content_cache.values.byte_range import ByteRange
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.failures import UpstreamUnavailable, WrongBytes

MIB = 1 << 20
DATA = random.Random(92).randbytes(3 * MIB)
TOTAL = len(DATA)


def _got(hangar: Any, start: int, prefix: int, *, judged: bool = True) -> tuple[bytes, list[str | None]]:
    """The bytes from `start` on where the first `prefix` are known, and what the upstream was asked for."""
    digest = hangar.upstream.add(DATA)

    async def work() -> bytes:
        passage, seen = hangar.passage(digest), hashlib.sha256(DATA[:prefix])
        past_it = Bypass(hangar.means, Streams(), Digest.parse(digest), passage, TOTAL, prefix, seen)
        async with aclosing(past_it.pieces(ByteRange(start, TOTAL), judged=judged)) as pieces:
            return b"".join([piece async for piece in pieces])

    got = hangar.run(work)
    return got, [asked.headers.get("range") for asked in hangar.upstream.blob_requests()]


@pytest.mark.parametrize(("start", "prefix"), [(2 * MIB, MIB), (MIB, MIB), (2 * MIB, 2 * MIB - 1)])
def test_who_goes_on_behind_what_is_known_is_judged_from_there(hangar: Any, start: int, prefix: int) -> None:
    assert _got(hangar, start, prefix) == (DATA[start:], [f"bytes={prefix}-"])


def test_who_goes_on_before_the_end_of_what_is_known_is_judged_from_the_beginning(hangar: Any) -> None:
    assert _got(hangar, MIB, 2 * MIB) == (DATA[MIB:], [None])


def test_what_is_picked_out_is_fetched_by_itself(hangar: Any) -> None:
    assert _got(hangar, 2 * MIB, MIB, judged=False) == (DATA[2 * MIB :], [f"bytes={2 * MIB}-"])


@pytest.mark.parametrize(("most", "asked"), [(MIB, f"bytes={MIB}-"), (MIB - 1, f"bytes={2 * MIB}-")])
def test_more_than_so_much_is_not_fetched_for_a_verdict_alone(
    hangar: Any, monkeypatch: pytest.MonkeyPatch, most: int, asked: str
) -> None:
    monkeypatch.setattr(bypass, "JUDGED_AHEAD_BYTES", most)

    assert _got(hangar, 2 * MIB, MIB) == (DATA[2 * MIB :], [asked])


def test_wrong_bytes_behind_what_is_known_do_not_complete(hangar: Any) -> None:
    hangar.upstream.always = wrong_byte(TOTAL - 5)

    with pytest.raises(WrongBytes):
        _got(hangar, 2 * MIB, MIB)


def _client(hangar: Any, shared: Streams, digest: str, beginning: bytes = b"") -> AsyncGenerator[bytes]:
    """What a client of the whole blob is sent behind `beginning`, which it has."""
    known = len(beginning)
    passage, seen = hangar.passage(digest), hashlib.sha256(beginning)
    past_it = Bypass(hangar.means, shared, Digest.parse(digest), passage, TOTAL, known, seen)
    return past_it.pieces(ByteRange(known, TOTAL), judged=True)


async def _sent(pieces: AsyncGenerator[bytes]) -> bytes:
    async with aclosing(pieces):
        return b"".join([piece async for piece in pieces])


@pytest.mark.parametrize("over", [False, True], ids=["while it goes on", "when it is over"])
def test_who_falls_behind_a_stream_of_wrong_bytes_does_not_get_a_whole_of_them(
    hangar: Any, monkeypatch: pytest.MonkeyPatch, over: bool
) -> None:
    monkeypatch.setattr(streams, "WINDOWS_BYTES", MIB // 2)
    digest, shared = hangar.upstream.add(DATA), Streams()

    hangar.upstream.faults = [wrong_byte(1000)]

    async def work() -> None:
        async with aclosing(_client(hangar, shared, digest)) as slow:
            await anext(slow)
            fast = _client(hangar, shared, digest)
            if over:
                with pytest.raises(WrongBytes):
                    await _sent(fast)
                with pytest.raises(WrongBytes):
                    await _sent(slow)
                return
            async with aclosing(fast):
                while (stream := shared.reaching(Digest.parse(digest), 2 * MIB)) is None or stream.base == 0:
                    await anext(fast)
                with pytest.raises(WrongBytes):
                    await _sent(slow)

    hangar.run(work)


def test_who_has_wrong_bytes_does_not_get_a_whole_of_them_by_the_right_rest_of_others(hangar: Any) -> None:
    digest, shared = hangar.upstream.add(DATA), Streams()
    wrong = bytes([DATA[0] ^ 1]) + DATA[1 : MIB // 2]

    async def work() -> bytes:
        async with aclosing(_client(hangar, shared, digest)) as right:
            first = await anext(right)
            with pytest.raises(WrongBytes):
                await _sent(_client(hangar, shared, digest, wrong))
            return first + await _sent(right)

    assert hangar.run(work) == DATA
    assert len(hangar.upstream.blob_requests()) == 1


def _relay(hangar: Any, passage: Passage | None = None) -> Relay:
    digest = hangar.upstream.add(DATA)
    return Relay(hangar.means, Digest.parse(digest), passage or hangar.passage(digest), TOTAL, TOTAL, 0, 0)


async def _all(relay: Relay) -> bytes:
    async with aclosing(relay.pieces()) as pieces:
        return b"".join([piece async for piece in pieces])


def test_a_relay_asks_again_with_whichever_grant_lasts_longest(hangar: Any) -> None:
    hangar.upstream.faults = [cut_after(MIB)]
    target = f"/v2/org/app/blobs/{hangar.upstream.add(DATA)}?grant="
    relay = _relay(hangar, Passage(target + "first", 100.0))
    for name, expires_s in (("longer", 200.0), ("shorter", 150.0), ("equal", 200.0)):
        relay.lend(Passage(target + name, expires_s))

    assert hangar.run(lambda: _all(relay)) == DATA
    assert [asked.query for asked in hangar.upstream.blob_requests()] == ["grant=longer", "grant=longer"]


def _another_part(answering: Answering) -> None:
    answering.head("206 X", Content_Length=10, Content_Range=f"bytes 0-9/{TOTAL}")
    answering.body(answering.blob[:10])


def _another_length(answering: Answering) -> None:
    answering.well(answering.blob + b"more")


def _no_end_of_length(answering: Answering) -> None:
    answering.head("200 OK", Connection="close")
    answering.body(answering.blob[:1000])
    answering.sock.shutdown(2)


@pytest.mark.parametrize("fault", [_another_part, _another_length])
def test_an_answer_that_does_not_fit_the_question_is_passed_over(hangar: Any, fault: Any) -> None:
    hangar.upstream.faults = [fault]
    assert hangar.run(lambda: _all(_relay(hangar))) == DATA

    hangar.upstream.always = fault
    with pytest.raises(UpstreamUnavailable):
        hangar.run(lambda: _all(_relay(hangar)))


def test_a_body_without_a_length_that_ends_early_is_gone_on_with(hangar: Any) -> None:
    hangar.upstream.faults = [_no_end_of_length]

    assert hangar.run(lambda: _all(_relay(hangar))) == DATA
    assert [asked.headers.get("range") for asked in hangar.upstream.blob_requests()] == [None, "bytes=1000-"]


def test_trails_of_the_last_few_blobs_only_are_kept() -> None:
    streams, digests = Streams(), [Digest(f"{number:064x}") for number in range(17)]
    first = streams.trail(digests[0])
    for digest in digests[1:16]:
        streams.trail(digest)
    assert streams.trail(digests[0]) is first
    streams.trail(digests[16])

    assert streams.trail(digests[0]) is first, "the one that was asked for longest ago went"
    assert len(streams._trails) == 16
    assert isinstance(streams.trail(digests[1]), Trail)
