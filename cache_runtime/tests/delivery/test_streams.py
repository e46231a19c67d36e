"""One transfer past the volume, followed by several readers: who follows, who falls behind, and how it ends."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import deque
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest
from doubles.upstream import cut_after, hold_after, status, wrong_byte
from dtr_content_cache.delivery import streams
from dtr_content_cache.delivery.bypass import Bypass
from dtr_content_cache.delivery.limits import AHEAD_BYTES, HOLD_BACK_BYTES
from dtr_content_cache.delivery.streams import Stream, Streams
from dtr_content_cache.values.byte_range import ByteRange
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import Fault
from dtr_content_cache.values.failures import UpstreamUnavailable, WrongBytes

MIB = 1 << 20
DATA = random.Random(82).randbytes(8 * MIB)
TOTAL = len(DATA)


class Office:
    """Clients of one blob; `streams` is what they share."""

    def __init__(self, hangar: Any) -> None:
        self.hangar = hangar
        self.digest = Digest.parse(hangar.upstream.add(DATA))
        self.streams = Streams()

    def client(self, total: int = TOTAL) -> Bypass:
        passage = self.hangar.passage(str(self.digest))
        return Bypass(self.hangar.means, self.streams, self.digest, passage, total, 0, hashlib.sha256())

    async def pull(self, start: int = 0, end: int = TOTAL, *, judged: bool = True, total: int = TOTAL) -> bytes:
        async with aclosing(self.client(total).pieces(ByteRange(start, end), judged=judged)) as pieces:
            return b"".join([piece async for piece in pieces])

    def asked(self) -> list[str | None]:
        return [asked.headers.get("range") for asked in self.hangar.upstream.blob_requests()]

    def run(self, *pulls: Any) -> list[Any]:
        async def work() -> list[Any]:
            return await asyncio.gather(*(pull() for pull in pulls))

        found: list[Any] = self.hangar.run(work)
        return found


@pytest.fixture
def office(hangar: Any) -> Office:
    return Office(hangar)


def test_all_who_come_together_share_one_transfer(office: Office) -> None:
    assert office.run(*[office.pull] * 12) == [DATA] * 12
    assert office.asked() == [None]


def test_a_break_is_mended_once_for_all(office: Office) -> None:
    office.hangar.upstream.faults = [cut_after(3_000_000)]

    assert office.run(*[office.pull] * 3) == [DATA] * 3
    assert office.asked() == [None, "bytes=3000000-"]


def test_one_who_comes_a_little_later_or_wants_a_near_part_follows_too(office: Office) -> None:
    async def later() -> bytes:
        await _until(lambda: office.streams.reaching(office.digest, 0).position >= MIB)  # type: ignore[union-attr]
        return await office.pull()

    async def part() -> bytes:
        await _until(lambda: office.streams.reaching(office.digest, 0).position >= MIB)  # type: ignore[union-attr]
        return await office.pull(MIB // 2, MIB, judged=False)

    assert office.run(office.pull, later, part) == [DATA, DATA, DATA[MIB // 2 : MIB]]
    assert office.asked() == [None]


def test_a_far_part_is_fetched_by_itself(office: Office) -> None:
    office.hangar.upstream.faults = [hold_after(2 * MIB)]

    async def far() -> bytes:
        await _until(lambda: len(office.asked()) == 1)
        found = await office.pull(6 * MIB, 6 * MIB + 1000, judged=False)
        office.hangar.upstream.release.set()
        return found

    assert office.run(office.pull, far) == [DATA, DATA[6 * MIB : 6 * MIB + 1000]]
    assert office.asked() == [None, f"bytes={6 * MIB}-{6 * MIB + 999}"]


@pytest.mark.parametrize("told", [TOTAL - MIB, TOTAL + MIB])
def test_who_was_told_a_false_length_gets_no_complete_answer_from_the_stream_of_those_who_know_it(
    office: Office, told: int
) -> None:
    office.hangar.upstream.faults = [hold_after(4 * MIB)]

    async def work() -> None:
        honest = asyncio.create_task(office.pull())
        await _until(lambda: _has_come(office, 3 * MIB))
        with pytest.raises(UpstreamUnavailable, match=f"expected {told}"):
            await office.pull(3 * MIB, told, total=told)
        office.hangar.upstream.release.set()
        assert await honest == DATA

    office.hangar.run(work)


def _has_come(office: Office, count: int) -> bool:
    stream = office.streams.reaching(office.digest, count)
    return stream is not None and stream.position >= count


def test_a_slow_client_falls_out_of_the_window_costs_the_fast_one_nothing_and_gets_all(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "WINDOWS_BYTES", MIB)
    fast_has_all = asyncio.Event()

    async def slow() -> bytes:
        async with aclosing(office.client().pieces(ByteRange(0, TOTAL), judged=True)) as pieces:
            got = await anext(pieces)
            await fast_has_all.wait()
            return got + b"".join([piece async for piece in pieces])

    async def fast() -> bytes:
        got = await office.pull()
        fast_has_all.set()
        return got

    assert office.run(slow, fast) == [DATA, DATA]
    assert len(office.asked()) == 2


def test_the_transfer_goes_no_faster_than_its_fastest_reader_and_holds_no_more_than_its_window(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "WINDOWS_BYTES", 2 * MIB)

    async def look() -> bytes:
        got = bytearray()
        async with aclosing(office.client().pieces(ByteRange(0, TOTAL), judged=True)) as pieces:
            async for piece in pieces:
                got += piece
                stream = office.streams.reaching(office.digest, len(got))
                if stream is not None:
                    assert stream.position - len(got) <= AHEAD_BYTES + 128 * 1024
                    assert sum(map(len, stream._pieces)) < 2 * MIB + 2 * 128 * 1024
        return bytes(got)

    assert office.run(look) == [DATA]


def test_what_all_windows_hold_is_bounded_and_each_keeps_enough_for_its_fastest_reader(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "WINDOWS_BYTES", 2 * MIB)
    others = [Office(office.hangar) for _ in range(7)]
    for other in others:
        other.streams = office.streams
        data = DATA[1000 * others.index(other) :]
        other.digest = Digest.parse(office.hangar.upstream.add(data + bytes(TOTAL - len(data))))

    async def take(one: Office) -> int:
        count = most = 0
        async with aclosing(one.client().pieces(ByteRange(0, TOTAL), judged=True)) as pieces:
            async for piece in pieces:
                count += len(piece)
                held = [sum(map(len, stream._pieces)) for stream in office.streams._held]
                most = max(most, sum(held) - len(held) * (512 + 2 * 128) * 1024)
        assert most <= 2 * MIB
        return count

    async def work() -> list[int]:
        return await asyncio.gather(*(take(one) for one in others))

    assert office.hangar.run(work) == [TOTAL] * 7
    assert len(office.asked()) == 7
    assert office.streams._held == set()


def test_wrong_bytes_complete_for_nobody_and_their_trail_is_forgotten(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtr_content_cache.delivery.trail.TRAIL_STEP_BYTES", MIB)
    office.hangar.upstream.always = wrong_byte(MIB)
    got = [bytearray(), bytearray()]

    async def pull(number: int) -> None:
        async with aclosing(office.client().pieces(ByteRange(0, TOTAL), judged=True)) as pieces:
            async for piece in pieces:
                got[number] += piece

    async def work() -> list[Any]:
        return await asyncio.gather(pull(0), pull(1), return_exceptions=True)

    assert [type(error) for error in office.hangar.run(work)] == [WrongBytes, WrongBytes]
    assert max(map(len, got)) <= TOTAL - HOLD_BACK_BYTES
    assert office.streams.trail(office.digest).before(TOTAL)[0] == 0


def test_an_end_for_want_of_an_upstream_reaches_every_reader_and_the_next_one_begins_anew(office: Office) -> None:
    office.hangar.upstream.faults, office.hangar.upstream.always = [cut_after(MIB)], status("500 Oops")

    async def work() -> list[Any]:
        return await asyncio.gather(office.pull(), office.pull(), return_exceptions=True)

    assert [type(error) for error in office.hangar.run(work)] == [UpstreamUnavailable] * 2
    office.hangar.upstream.always = None
    assert office.run(office.pull) == [DATA]


def test_when_the_last_reader_leaves_the_transfer_ends(office: Office) -> None:
    office.hangar.upstream.always = hold_after(MIB)

    async def work() -> None:
        taking = asyncio.create_task(office.pull())
        await _until(lambda: len(office.asked()) == 1)
        stream = office.streams.reaching(office.digest, 0)
        assert stream is not None
        taking.cancel()
        await asyncio.gather(taking, stream._pump, return_exceptions=True)
        assert office.streams.reaching(office.digest, 0) is None
        assert office.streams._held == set()

    office.hangar.run(work)


def test_who_comes_back_far_into_it_is_judged_without_fetching_what_went_before(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtr_content_cache.delivery.trail.TRAIL_STEP_BYTES", MIB)
    monkeypatch.setattr("dtr_content_cache.delivery.bypass.JUDGED_AHEAD_BYTES", MIB)

    async def broken_off_and_resumed(start: int) -> bytes:
        got = bytearray()
        async with aclosing(office.client().pieces(ByteRange(0, TOTAL), judged=True)) as pieces:
            async for piece in pieces:
                got += piece
                if len(got) >= start:
                    break
        return bytes(got[:start]) + await office.pull(start)

    assert office.run(lambda: broken_off_and_resumed(5 * MIB)) == [DATA]
    [_, again] = office.asked()
    assert again is not None
    assert 4 * MIB <= int(again.removeprefix("bytes=").removesuffix("-")) <= 5 * MIB

    office.hangar.upstream.always = wrong_byte(7 * MIB)
    with pytest.raises(WrongBytes):
        office.run(lambda: office.pull(5 * MIB))


async def _until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.002)


def test_a_bug_in_a_stream_is_a_fault_in_the_log_and_a_failure_for_its_readers(office: Office) -> None:
    office.hangar.exchanges.open = lambda *_: 1 / 0

    with pytest.raises(UpstreamUnavailable):
        office.run(office.pull)
    assert [event.where for event in office.hangar.events if isinstance(event, Fault)] == ["stream"]


def test_a_stream_is_followed_from_its_window_or_a_little_ahead_and_from_nowhere_else(office: Office) -> None:
    async def work() -> None:
        office.hangar.upstream.always = hold_after(0)
        taking = asyncio.create_task(office.pull())
        await _until(lambda: office.streams.reaching(office.digest, 0) is not None)
        stream = office.streams.reaching(office.digest, 0)
        assert stream is not None
        stream.base, stream.position = 1000, 2000
        reached = [start for start in (999, 1000, 2000 + AHEAD_BYTES, 2001 + AHEAD_BYTES) if stream.reaches(start)]
        assert reached == [1000, 2000 + AHEAD_BYTES]
        stream.base, stream.position = 0, 0
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        assert not stream.reaches(0), "nobody joins what ends"

    office.hangar.run(work)


def test_each_window_gets_its_share_and_never_too_little(office: Office) -> None:
    shares = []
    for count in (0, 1, 4, 1000):
        office.streams._held = {object() for _ in range(count)}  # type: ignore[misc]
        shares.append(office.streams.window_bytes)

    assert shares == [64 * MIB, 64 * MIB, 16 * MIB, 512 * 1024]


def test_the_end_of_an_older_stream_leaves_the_newer_one_to_be_followed(office: Office) -> None:
    async def work() -> None:
        office.hangar.upstream.always = hold_after(0)
        taking = asyncio.create_task(office.pull())
        await _until(lambda: office.streams.reaching(office.digest, 0) is not None)
        newer, older = office.streams.reaching(office.digest, 0), object()
        office.streams.ended(older)  # type: ignore[arg-type]
        assert office.streams.reaching(office.digest, 0) is newer
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)

    office.hangar.run(work)


def test_a_window_lets_go_of_its_oldest_pieces_and_keeps_what_it_may_hold() -> None:
    stream = Stream.__new__(Stream)
    stream._streams = SimpleNamespace(window_bytes=10)  # type: ignore[assignment]
    stream.base, stream.position, stream._pieces = 100, 116, deque([b"oldest", b"older", b"newer"])
    stream.shrink()
    assert (stream.base, list(stream._pieces)) == (106, [b"older", b"newer"])
    stream.shrink()
    assert (stream.base, len(stream._pieces)) == (106, 2)
    assert [stream._piece_at(at) for at in (105, 106, 110, 111, 115, 116)] == [b"", b"older", b"r", b"newer", b"r", b""]


def test_a_stream_whose_only_reader_leaves_before_it_has_begun_is_forgotten_at_once(office: Office) -> None:
    async def look() -> bytes:
        taking = office.client().pieces(ByteRange(0, TOTAL), judged=True).asend(None)
        taking.send(None)  # as far as it comes without the loop, which would begin the transfer
        assert office.streams._newest
        with pytest.raises(asyncio.CancelledError):
            taking.throw(asyncio.CancelledError())
        assert (office.streams._newest, office.streams._held) == ({}, set())
        return b""

    office.run(look)
    assert office.asked() == []
