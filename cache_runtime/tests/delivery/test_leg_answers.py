"""One stretch by an answer that is written here byte for byte: what is taken of it, told, noted and closed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from doubles.written_answer import WrittenAnswer
from dtr_content_cache.delivery import leg as module
from dtr_content_cache.delivery.beside import HashedBeside
from dtr_content_cache.delivery.leg import IgnoresRange, Leg, _to_boundary
from dtr_content_cache.delivery.limits import Throttle
from dtr_content_cache.upstream.ask import Ask
from dtr_content_cache.upstream.response_head import HopFailed, ResponseHead

DATA = random.Random(63).randbytes(300_000)
TOTAL = len(DATA)


def _part(start: int, *, at_hand: bool = False) -> WrittenAnswer:
    headers = (("content-range", f"bytes {start}-{TOTAL - 1}/{TOTAL}"),)
    return WrittenAnswer(ResponseHead(206, 1, headers, TOTAL - start, False), DATA[start:], at_hand=at_hand)


def _whole() -> WrittenAnswer:
    return WrittenAnswer(ResponseHead(200, 1, (), TOTAL, False), DATA)


def _fetch(
    hangar: Any, leg: Leg, answer: WrittenAnswer, throttle: Throttle | None = None, *, to_the_end: bool = True
) -> Any:
    """The file that the leg wrote to."""
    filling = hangar.filling(hangar.upstream.add(DATA), TOTAL)
    filling.announced = []
    announce = filling.announce
    filling.announce = lambda: filling.announced.append(filling.present_bytes()) or announce()
    throttle = throttle or Throttle(None)
    how = throttle, lambda total: filling, to_the_end, lambda: True
    leg.fetch(answer, hangar.hop, ("/v2/x", ()), *how)  # type: ignore[arg-type]
    return filling


@pytest.mark.parametrize("at_hand", [True, False])
def test_the_length_is_announced_by_itself_only_where_no_bytes_came_with_it(hangar: Any, at_hand: bool) -> None:
    filling = _fetch(hangar, Leg(1, None, main=True), _part(1, at_hand=at_hand))

    assert (0 in filling.announced) is not at_hand


def test_what_is_over_is_closed_and_no_longer_the_legs(hangar: Any) -> None:
    leg, answer = Leg(1, None, main=True), _part(1)
    filling = _fetch(hangar, leg, answer)
    leg.abort()

    assert answer.ends == ["close"]
    assert filling._holders == 1


def test_what_breaks_is_closed_and_lets_the_file_go(hangar: Any) -> None:
    answer = WrittenAnswer(ResponseHead(200, 1, (), TOTAL, False), DATA[:10])
    filling = hangar.filling(hangar.upstream.add(DATA), TOTAL)
    with pytest.raises(HopFailed, match="the body ended early"):
        Leg(0, None, main=True).fetch(
            answer,  # type: ignore[arg-type]
            hangar.hop,
            ("/v2/x", ()),
            Throttle(None),
            lambda total: filling,
            True,
            lambda: True,
        )
    assert (answer.ends, filling._holders, filling.present_bytes()) == (["close"], 1, 10)


def test_who_is_given_up_while_it_reads_breaks_the_reading_off(hangar: Any) -> None:
    leg, answer = Leg(1, None, main=True), _part(1)
    answer.before_each = lambda view: leg.abort()
    with pytest.raises(HopFailed, match="given up"):
        _fetch(hangar, leg, answer)

    assert answer.ends == ["abort", "close"]
    assert len(answer.reads) == 1


@pytest.mark.parametrize(
    ("position", "main", "answer", "match"),
    [
        (5, True, WrittenAnswer(ResponseHead(206, 1, (), 10, False), b"x" * 10), "does not fit"),
        (5, True, _part(4), "does not fit"),
        (0, True, _part(0), "does not fit"),
        (5, False, _whole(), "ignores Range"),
    ],
)
def test_an_answer_that_is_of_no_use_is_closed_unread(
    hangar: Any, position: int, main: bool, answer: WrittenAnswer, match: str
) -> None:
    with pytest.raises(HopFailed, match=match):
        _fetch(hangar, Leg(position, None, main=main), answer)
    assert (answer.reads, answer.ends) == ([], ["close"])


def test_a_segment_from_the_very_beginning_may_be_answered_by_the_whole(hangar: Any) -> None:
    filling = _fetch(hangar, Leg(0, 1000, main=False), _whole(), to_the_end=False)

    assert filling.present_bytes() == 1000


def test_only_a_whole_that_was_asked_in_part_counts_as_ignoring_it(hangar: Any) -> None:
    with pytest.raises(IgnoresRange):
        _fetch(hangar, Leg(5, 1000, main=False), _whole(), to_the_end=False)


@pytest.mark.parametrize(("to_the_end", "end"), [(True, None), (False, 1000)])
def test_the_question_is_for_the_stretch_that_is_left(hangar: Any, to_the_end: bool, end: int | None) -> None:
    leg, answer = Leg(5, 1000, main=True), _part(7)
    leg.position = 7
    _fetch(hangar, leg, answer, to_the_end=to_the_end)

    [ask] = answer.asked
    assert ask == Ask("GET", "/v2/x", 7, end, (), for_blob=True)
    assert ask.sent == leg.asked.set


def test_the_first_piece_is_small_and_none_is_larger_than_the_cap_allows(hangar: Any) -> None:
    plain, capped = _part(1), _part(1)
    _fetch(hangar, Leg(1, None, main=True), plain)
    _fetch(hangar, Leg(1, None, main=True), capped, Throttle(10_000_000_000 // 1000))

    assert plain.reads == [64 * 1024, TOTAL - 1 - 64 * 1024]
    assert max(capped.reads) <= 1_000_000


def test_a_cap_holds_for_what_is_passed_over_and_each_piece_counts_against_it(hangar: Any) -> None:
    taken: list[int] = []
    throttle = Throttle(100_000)  # pieces of 10 000 bytes
    throttle.take = lambda count, given_up: taken.append(count)  # type: ignore[method-assign]
    answer = _whole()
    filling = _fetch(hangar, Leg(25_000, 45_000, main=True), answer, throttle)

    assert answer.reads == [10_000, 10_000, 5_000, 10_000, 5_000, 5_000]
    assert taken == answer.reads
    assert (filling.run_end(25_000), filling.present_bytes()) == (45_000, 20_000)


def test_a_cap_that_a_reload_sets_holds_from_the_next_piece_on(hangar: Any) -> None:
    throttle, answer = Throttle(None), _whole()
    throttle.take = lambda count, given_up: None  # type: ignore[method-assign]
    answer.before_each = lambda view: throttle.limit(1_000_000)  # pieces of 100 000 bytes
    _fetch(hangar, Leg(0, None, main=True), answer, throttle)

    assert answer.reads[:3] == [64 * 1024, 100_000 - 64 * 1024, 100_000]


def test_a_leg_that_is_given_up_while_it_waits_under_a_cap_waits_no_longer(hangar: Any) -> None:
    throttle, leg, asked = Throttle(100_000), Leg(1, None, main=True), []

    def take(count: int, given_up: Callable[[], bool]) -> None:
        asked.append(given_up())
        leg.abort()
        asked.append(given_up())

    throttle.take = take  # type: ignore[method-assign]
    with pytest.raises(HopFailed, match="given up"):
        _fetch(hangar, leg, _part(1), throttle)

    assert asked == [False, True]


@pytest.mark.parametrize("end", [1, 0])
def test_a_piece_that_had_come_when_the_leg_was_shortened_is_taken_and_no_other(hangar: Any, end: int) -> None:
    leg, answer = Leg(1, None, main=True), _part(1)

    def shorten(view: memoryview) -> None:
        leg.end = end

    answer.before_each = shorten
    filling = _fetch(hangar, leg, answer)

    assert (len(answer.reads), filling.present_bytes(), leg.position) == (1, answer.reads[0], 1 + answer.reads[0])


def test_who_brought_bytes_is_noted(hangar: Any) -> None:
    assert _fetch(hangar, Leg(1, None, main=True), _part(1)).sources == [hangar.hop]


def test_what_is_left_decides_whether_hashing_gets_a_thread(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def noted(hash_piece: Any, length: int) -> HashedBeside:
        lengths.append(length)
        return HashedBeside(hash_piece, length)

    monkeypatch.setattr(module, "HashedBeside", noted)
    leg = Leg(5, None, main=True)
    leg.position = 100
    _fetch(hangar, leg, _part(100))

    assert lengths == [TOTAL - 100]


def test_nothing_is_left_of_a_stretch_whose_length_nobody_knows() -> None:
    assert [Leg(5, end, main=True)._left() for end in (None, 5, 9)] == [0, 0, 4]


@pytest.mark.parametrize(("position", "most"), [(0, 10), (1, 9), (9, 1), (10, 10), (25, 5)])
def test_a_piece_goes_to_where_one_of_its_length_would_begin(position: int, most: int) -> None:
    assert _to_boundary(position, 10) == most


def test_a_leg_that_was_never_asked_for_is_given_up_in_peace() -> None:
    leg = Leg(0, None, main=True)
    leg.abort()

    assert leg.aborted


def test_a_leg_that_covers_a_byte_has_not_brought_it() -> None:
    leg = Leg(5, 10, main=True)
    leg.position = 7

    assert [leg.covers(at) for at in (6, 7, 9, 10)] == [False, True, True, False]


def test_the_very_last_byte_is_fetched_by_itself(hangar: Any) -> None:
    filling = _fetch(hangar, Leg(TOTAL - 1, None, main=True), _part(TOTAL - 1))

    assert filling.present_bytes() == 1


def test_a_stretch_that_is_here_is_not_read_for(hangar: Any) -> None:
    leg, answer = Leg(1, 1, main=False), _part(1)
    _fetch(hangar, leg, answer)

    assert answer.reads == []


def test_what_comes_in_order_has_been_hashed_when_it_is_here(hangar: Any) -> None:
    assert _fetch(hangar, Leg(0, None, main=True), _whole()).verdict_at_hand() is True
