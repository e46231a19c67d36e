"""One transfer past the volume, followed by several readers: who follows, who falls behind, and how it ends."""

from __future__ import annotations

import asyncio
import hashlib
import random
from contextlib import aclosing
from typing import Any

import pytest
from doubles.upstream import cut_after, hold_after, status, wrong_byte
from dtr_content_cache.delivery import attempts, limits, streams
from dtr_content_cache.delivery.bypass import Bypass
from dtr_content_cache.delivery.limits import AHEAD_BYTES, HOLD_BACK_BYTES
from dtr_content_cache.delivery.streams import Streams
from dtr_content_cache.values.byte_range import ByteRange
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.failures import UpstreamUnavailable, WrongBytes

MIB = 1 << 20
DATA = random.Random(82).randbytes(8 * MIB)
TOTAL = len(DATA)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)


class Office:
    """Clients of one blob; `streams` is what they share."""

    def __init__(self, hangar: Any) -> None:
        self.hangar = hangar
        self.digest = Digest.parse(hangar.upstream.add(DATA))
        self.streams = Streams()

    def client(self) -> Bypass:
        passage = self.hangar.passage(str(self.digest))
        return Bypass(self.hangar.means, self.streams, self.digest, passage, TOTAL, 0, hashlib.sha256())

    async def pull(self, start: int = 0, end: int = TOTAL, *, judged: bool = True) -> bytes:
        async with aclosing(self.client().pieces(ByteRange(start, end), judged=judged)) as pieces:
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
    monkeypatch.setattr(limits, "TRAIL_STEP_BYTES", MIB)
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
