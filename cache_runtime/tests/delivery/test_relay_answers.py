"""A relay by answers that are written here: what fits, what is passed over, what is closed, who counts as a source."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from doubles.written_answer import WrittenAnswer
from dtr_content_cache.delivery import attempts, relay
from dtr_content_cache.delivery.limits import Throttle
from dtr_content_cache.delivery.means import Passage
from dtr_content_cache.delivery.relay import Relay
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream.ask import Ask
from dtr_content_cache.upstream.response_head import HopFailed, ResponseHead
from dtr_content_cache.upstream.turns import Turns
from dtr_content_cache.values.clock import SystemClock
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import Event, UpstreamFailed
from dtr_content_cache.values.failures import BlobUnknown, UpstreamUnavailable, WrongBytes

DATA = random.Random(83).randbytes(300_000)
TOTAL = len(DATA)
DIGEST = Digest(hashlib.sha256(DATA).hexdigest())
PIECE = 128 * 1024


def _whole(body: bytes = DATA, length: int | None = TOTAL) -> WrittenAnswer:
    return WrittenAnswer(ResponseHead(200, 1, (), length, False), body)


def _part(start: int, body: bytes | None = None, total: int = TOTAL) -> WrittenAnswer:
    headers = (("content-range", f"bytes {start}-{total - 1}/{total}"),)
    return WrittenAnswer(ResponseHead(206, 1, headers, total - start, False), DATA[start:] if body is None else body)


class _Here:
    """An executor without threads."""

    def submit(self, work: Any, *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*arguments))
        except Exception as failure:
            done.set_exception(failure)
        return done


class _Upstreams:
    """One upstream after the other gives the next of `answers`."""

    def __init__(self, *answers: WrittenAnswer) -> None:
        self.answers, self.coming = answers, list(answers)
        self.asked: list[tuple[Upstream, Ask]] = []
        self.events: list[Event] = []
        hops = [Upstream("http", "one", 80), Upstream("http", "two", 80)]
        turns = Turns(hops, SystemClock())
        means = SimpleNamespace(
            exchanges=self,
            threads=_Here(),
            questions=_Here(),
            throttle=Throttle(None),
            attempts=attempts.Attempts(turns, self.events.append, lambda: ""),
            emit=self.events.append,
        )
        self.means: Any = means

    def open(self, hop: Upstream, ask: Ask) -> WrittenAnswer:
        self.asked.append((hop, ask))
        return self.coming.pop(0)

    def relay(self, start: int = 0, end: int = TOTAL, begin: int | None = None, *, judged: bool = True) -> Relay:
        begin = start if begin is None else begin
        made = Relay(self.means, DIGEST, Passage("/v2/x", 0.0, (("Via", "1.1 c"),)), TOTAL, end, start, begin)
        made.seen = hashlib.sha256(DATA[:begin]) if judged else None
        return made


def _taken(relay: Relay) -> bytes:
    async def take() -> bytes:
        async with aclosing(relay.pieces()) as pieces:
            return b"".join([piece async for piece in pieces])

    return asyncio.run(take())


@pytest.mark.parametrize(("end", "asked"), [(TOTAL, None), (TOTAL - 1, TOTAL - 1)])
def test_the_question_leaves_the_end_out_only_where_it_is_the_blobs(end: int, asked: int | None) -> None:
    upstreams = _Upstreams(_part(5))
    assert _taken(upstreams.relay(5, end, judged=False)) == DATA[5:end]

    assert [ask for _, ask in upstreams.asked] == [Ask("GET", "/v2/x", 5, asked, (("Via", "1.1 c"),), for_blob=True)]
    assert upstreams.answers[0].ends == ["close"]


def test_pieces_are_of_one_size_and_the_last_is_what_is_left() -> None:
    upstreams = _Upstreams(_whole())
    assert _taken(upstreams.relay()) == DATA

    assert upstreams.answers[0].reads == [PIECE, PIECE, TOTAL - 2 * PIECE]


def test_a_cap_makes_pieces_smaller_and_counts_what_is_passed_over() -> None:
    upstreams, taken = _Upstreams(_whole()), []
    throttle = Throttle(1_000_000)  # pieces of 100 000 bytes
    throttle.take = lambda count, given_up: taken.append(count)  # type: ignore[method-assign]
    upstreams.means.throttle = throttle
    assert _taken(upstreams.relay(250_000)) == DATA[250_000:]

    assert upstreams.answers[0].reads == [100_000, 100_000, 50_000, 50_000] == taken


def test_who_waits_under_a_cap_for_a_client_that_has_left_waits_no_longer() -> None:
    upstreams, asked = _Upstreams(_whole()), []
    given_up: list[Callable[[], bool]] = []
    throttle = Throttle(1_000_000)
    throttle.take = lambda count, left: given_up.append(left) or asked.append(left())  # type: ignore[method-assign]
    upstreams.means.throttle = throttle
    _taken(upstreams.relay())

    assert (set(asked), given_up[-1]()) == ({False}, True)


def test_a_whole_without_a_length_does() -> None:
    assert _taken(_Upstreams(_whole(length=None)).relay(7)) == DATA[7:]


@pytest.mark.parametrize(
    "unfit",
    [
        _whole(length=TOTAL + 1),
        _part(6),
        _part(5, total=TOTAL + 1),
        WrittenAnswer(ResponseHead(206, 1, (), 10, False), b"x" * 10),
        WrittenAnswer(ResponseHead(404, 1, (), 0, False), b""),
        _whole(b"", TOTAL),
    ],
)
def test_what_does_not_fit_is_closed_and_the_next_upstream_asked(unfit: WrittenAnswer) -> None:
    upstreams = _Upstreams(unfit, _part(5))
    assert _taken(upstreams.relay(5)) == DATA[5:]

    assert [answer.ends for answer in upstreams.answers] == [["close"], ["close"]]
    assert len({hop for hop, _ in upstreams.asked}) == 2


def test_a_part_that_nobody_asked_for_does_not_fit() -> None:
    upstreams = _Upstreams(_part(0), _whole())

    assert _taken(upstreams.relay()) == DATA
    assert len(upstreams.asked) == 2


def test_a_break_is_told_with_its_upstream_and_gone_on_with_by_the_other() -> None:
    upstreams = _Upstreams(_whole(DATA[:200_000]), _part(200_000))
    assert _taken(upstreams.relay()) == DATA

    assert [ask.start for _, ask in upstreams.asked] == [0, 200_000]
    told = [(event.hop, event.reason) for event in upstreams.events if isinstance(event, UpstreamFailed)]
    assert told == [(upstreams.asked[0][0].url, "the body ended early")]
    assert [answer.ends for answer in upstreams.answers] == [["close"], ["close"]]


@pytest.mark.parametrize("begin", [5, TOTAL - 1])
def test_nobody_is_rested_for_wrong_bytes_where_others_had_brought_the_first_of_them(begin: int) -> None:
    upstreams = _Upstreams(_part(begin))
    relay = upstreams.relay(begin)
    relay.seen = hashlib.sha256(bytes(begin))
    with pytest.raises(WrongBytes):
        _taken(relay)

    assert upstreams.events == []


def test_all_who_brought_some_of_wrong_bytes_are_rested_and_nobody_else() -> None:
    wrong = bytes(200_000)
    upstreams = _Upstreams(_whole(wrong), _part(200_000))
    with pytest.raises(WrongBytes, match="relayed"):
        _taken(upstreams.relay())

    blamed = [event.hop for event in upstreams.events if isinstance(event, UpstreamFailed) and "hash" in event.reason]
    assert sorted(blamed) == sorted(hop.url for hop, _ in upstreams.asked)
    assert len(blamed) == 2


def test_what_lies_before_the_start_is_judged_and_not_sent() -> None:
    for start in (1, PIECE - 1, PIECE, PIECE + 1, TOTAL - 1):
        assert _taken(_Upstreams(_whole()).relay(start, begin=0)) == DATA[start:]


def test_only_what_is_judged_leaves_a_trail() -> None:
    for judged in (True, False):
        noting, marks = _Upstreams(_whole()).relay(judged=judged), []
        noting.trail = SimpleNamespace(mark=lambda *what, marks=marks: marks.append(what[0]))  # type: ignore[assignment]
        _taken(noting)
        assert marks == ([PIECE, 2 * PIECE, TOTAL] if judged else [])


def test_who_stops_taking_leaves_no_connection_and_nothing_is_read_any_more() -> None:
    upstreams = _Upstreams(_whole())
    left = upstreams.relay(judged=False)

    async def leave() -> None:
        async with aclosing(left.pieces()) as pieces:
            await anext(pieces)

    asyncio.run(leave())
    assert upstreams.answers[0].ends == ["close"]
    with pytest.raises(HopFailed, match="given up"):
        left._read(upstreams.answers[0])  # type: ignore[arg-type]


def test_a_connection_that_a_thread_still_reads_is_broken_off_and_closed_by_that_thread() -> None:
    upstreams, reading = _Upstreams(_whole()), Future()  # type: ignore[var-annotated]
    reading.set_running_or_notify_cancel()
    left, [answer] = upstreams.relay(judged=False), upstreams.answers

    async def leave() -> None:
        async with aclosing(left.pieces()) as pieces:
            await anext(pieces)
            upstreams.means.threads.submit = lambda *what: reading
            waiting = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(leave())
    assert answer.ends == ["abort"]
    reading.set_result(b"")
    assert answer.ends == ["abort", "close"]


def test_an_upstream_that_is_asked_again_is_one_source() -> None:
    upstreams = _Upstreams(_whole(bytes(100_000)), _part(100_000, DATA[100_000:200_000]), _part(200_000))
    hop = Upstream("http", "one", 80)
    upstreams.means.attempts.turns = Turns([hop], SystemClock())
    with pytest.raises(WrongBytes):
        _taken(upstreams.relay())

    said = [event for event in upstreams.events if isinstance(event, UpstreamFailed) and "hash" in event.reason]
    assert [event.hop for event in said] == [replace(hop).url]


def _broken_off(gains: list[int]) -> _Upstreams:
    """An upstream that brings so much each time and breaks off, then all the rest."""
    starts = [sum(gains[:number]) for number in range(len(gains) + 1)]
    answers = [
        _part(start, DATA[start : start + gain]) if start else _whole(DATA[:gain])
        for start, gain in zip(starts, gains, strict=False)
    ]
    upstreams = _Upstreams(*answers, _part(starts[-1]))
    upstreams.means.attempts.turns = Turns([Upstream("http", "one", 80)], SystemClock())
    return upstreams


@pytest.mark.parametrize(
    ("gains", "goes_on"),
    [
        ([10] * 4, True),
        ([10] * 5, False),
        ([65_536] * 4 + [10] * 4, True),
        ([65_536] + [10] * 5, False),
        ([10] * 4 + [65_536] + [10] * 4, True),
        ([65_535] * 4, True),
        ([10] + [65_535] * 4, False),
        ([10] * 4 + [TOTAL - 40], True),
    ],
)
def test_five_drops_in_a_row_that_brought_next_to_nothing_are_the_end(gains: list[int], goes_on: bool) -> None:
    upstreams = _broken_off(gains)
    if goes_on:
        assert _taken(upstreams.relay()) == DATA
    else:
        with pytest.raises(UpstreamUnavailable, match="again and again"):
            _taken(upstreams.relay())
        assert len(upstreams.asked) == len(gains)


def test_the_last_drop_that_completes_it_is_none() -> None:
    upstreams = _broken_off([10] * 4)
    assert _taken(upstreams.relay(0, 50, judged=False)) == DATA[:50]


def test_as_little_as_may_be_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "HOLD_BACK_BYTES", 25_000)
    upstreams, sent = _Upstreams(_whole(bytes(TOTAL))), []
    upstreams.means.throttle = SimpleNamespace(piece_bytes=10_000, take=lambda count, given_up: None)

    async def take() -> None:
        async with aclosing(upstreams.relay().pieces()) as pieces:
            async for piece in pieces:
                sent.append(len(piece))

    with pytest.raises(WrongBytes):
        asyncio.run(take())
    assert sent == [10_000] * 27


def test_a_blob_that_nobody_knows_is_unknown() -> None:
    unknown = [WrittenAnswer(ResponseHead(404, 1, (), 0, False), b"") for _ in range(2)]
    with pytest.raises(BlobUnknown):
        _taken(_Upstreams(*unknown).relay())


def test_a_longer_passage_is_asked_with_from_then_on() -> None:
    upstreams = _broken_off([100_000])
    lender = upstreams.relay()
    for target, expires_s in (("equal", 0.0), ("longer", 5.0), ("shorter", 4.0)):
        lender.lend(Passage(target, expires_s))
    assert _taken(lender) == DATA

    assert [ask.target for _, ask in upstreams.asked] == ["longer", "longer"]
