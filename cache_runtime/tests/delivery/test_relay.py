"""Straight from an upstream to one client: what it asks for, what it holds back, and how it ends early."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from contextlib import aclosing
from typing import Any

import pytest
from doubles.upstream import Answering, cut_after, hold_after, wrong_byte
from dtr_content_cache.delivery import relay
from dtr_content_cache.delivery.limits import HOLD_BACK_BYTES
from dtr_content_cache.delivery.relay import Relay
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import UpstreamFailed
from dtr_content_cache.values.failures import UpstreamUnavailable, WrongBytes

DATA = random.Random(81).randbytes(1_500_000)
TOTAL = len(DATA)


def _relay(hangar: Any, start: int = 0, end: int = TOTAL, begin: int | None = None, *, judged: bool = True) -> Relay:
    digest = hangar.upstream.add(DATA)
    begin = start if begin is None else begin
    relay = Relay(hangar.means, Digest.parse(digest), hangar.passage(digest), TOTAL, end, start, begin)
    relay.seen = hashlib.sha256(DATA[:begin]) if judged else None
    return relay


async def _all(relay: Relay) -> bytes:
    async with aclosing(relay.pieces()) as pieces:
        return b"".join([piece async for piece in pieces])


def _asked(hangar: Any) -> list[str | None]:
    return [asked.headers.get("range") for asked in hangar.upstream.blob_requests()]


@pytest.mark.parametrize(
    ("start", "end", "begin", "judged", "asked"),
    [
        (0, TOTAL, 0, True, None),
        (900_000, TOTAL, 900_000, True, "bytes=900000-"),
        (900_000, TOTAL, 0, True, None),
        (900_001, TOTAL, 800_000, True, "bytes=800000-"),
        (5, 1_000_000, 5, False, "bytes=5-999999"),
        (TOTAL - 1, TOTAL, TOTAL - 1, False, f"bytes={TOTAL - 1}-"),
    ],
)
def test_a_stretch_comes_as_asked(
    hangar: Any, start: int, end: int, begin: int, judged: bool, asked: str | None
) -> None:
    body = hangar.run(lambda: _all(_relay(hangar, start, end, begin, judged=judged)))

    assert (body == DATA[start:end], _asked(hangar)) == (True, [asked])


def test_breaks_are_mended_where_they_happen(hangar: Any) -> None:
    hangar.upstream.faults = [cut_after(400_000), cut_after(500_000)]

    assert hangar.run(lambda: _all(_relay(hangar))) == DATA
    assert _asked(hangar) == [None, "bytes=400000-", "bytes=900000-"]


def test_an_upstream_that_ignores_ranges_is_read_from_its_beginning(hangar: Any) -> None:
    def whole(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=TOTAL)
        answering.body(answering.blob)

    hangar.upstream.always = whole
    assert hangar.run(lambda: _all(_relay(hangar, 700_000))) == DATA[700_000:]


def test_the_end_is_held_back_until_the_verdict_and_the_liar_is_rested(hangar: Any) -> None:
    hangar.upstream.always = wrong_byte(100)
    got = bytearray()

    async def take() -> None:
        async with aclosing(_relay(hangar).pieces()) as pieces:
            async for piece in pieces:
                got.extend(piece)

    with pytest.raises(WrongBytes):
        hangar.run(take)
    assert 0 < len(got) <= TOTAL - HOLD_BACK_BYTES
    assert [type(event) for event in hangar.events] == [UpstreamFailed]


def test_drops_that_bring_next_to_nothing_come_to_an_end(hangar: Any) -> None:
    hangar.upstream.always = cut_after(100)

    with pytest.raises(UpstreamUnavailable, match="break off again and again"):
        hangar.run(lambda: _all(_relay(hangar)))
    assert _asked(hangar) == [None, *(f"bytes={count}00-" for count in range(1, 5))]


def test_drops_that_bring_just_enough_are_gone_on_with(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LEAST_GAIN_BYTES", 150_000)
    hangar.upstream.always = cut_after(150_000)

    assert hangar.run(lambda: _all(_relay(hangar))) == DATA
    assert len(_asked(hangar)) == 10


def test_the_last_few_bytes_are_no_drop(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "ROUNDS_LIMIT", 0)

    assert hangar.run(lambda: _all(_relay(hangar, TOTAL - 10))) == DATA[-10:]


def _all_threads_are_free(hangar: Any) -> None:
    """Sixteen tasks that only all together come to an end."""
    together = threading.Barrier(16)
    for task in [hangar.threads.submit(together.wait, 10) for _ in range(16)]:
        task.result()


def test_a_client_that_leaves_takes_no_thread_and_no_connection_with_it(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangar.upstream.always = hold_after(400_000)
    silent, real = threading.Event(), Relay._take

    def take(relay: Relay, exchange: Any, buffer: memoryview) -> int:
        if relay._position == 400_000:
            silent.set()  # from here on the thread waits for the upstream
        return real(relay, exchange, buffer)

    monkeypatch.setattr(Relay, "_take", take)

    async def leave_while_the_upstream_is_silent() -> None:
        taking = asyncio.create_task(_all(_relay(hangar, judged=False)))
        await asyncio.to_thread(silent.wait, 10)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await asyncio.to_thread(_all_threads_are_free, hangar)

    hangar.run(leave_while_the_upstream_is_silent)


def test_all_but_the_last_bytes_go_before_the_verdict_and_not_one_more(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetched(relay: Relay) -> Any:
        for piece in (b"first", b"z", b"x" * (HOLD_BACK_BYTES - 1)):
            yield piece

    monkeypatch.setattr(Relay, "_fetched", fetched)
    got: list[bytes] = []

    async def take() -> None:
        async with aclosing(_relay(hangar).pieces()) as pieces:
            async for piece in pieces:
                got.append(piece)

    with pytest.raises(WrongBytes):
        hangar.run(take)
    assert got == [b"first"]


def test_a_client_that_reads_slowly_occupies_no_thread(hangar: Any) -> None:
    async def pause() -> None:
        async with aclosing(_relay(hangar, judged=False).pieces()) as pieces:
            await anext(pieces)
            await asyncio.to_thread(_all_threads_are_free, hangar)

    hangar.run(pause)
