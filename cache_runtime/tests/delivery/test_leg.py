"""One stretch from one upstream: which answers fit the question, where it stops, and how it is ended."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from doubles.running_cache import eventually
from doubles.upstream import Answering, Fault, cut_after, hold_after, status
from dtr_content_cache.delivery.attempts import HopDenied, HopUnknown
from dtr_content_cache.delivery.leg import IgnoresRange, Leg
from dtr_content_cache.delivery.limits import FIRST_PIECE_BYTES, PIECE_BYTES
from dtr_content_cache.upstream.response_head import HopFailed

DATA = random.Random(61).randbytes(3_000_000)


class _Flying:
    def __init__(self, hangar: Any, leg: Leg, *, to_the_end: bool = False, may_ask: bool = True) -> None:
        self.hangar, self.leg = hangar, leg
        self.how = to_the_end, lambda: may_ask
        self.digest = hangar.upstream.add(DATA)
        self.filling = hangar.filling(self.digest, len(DATA))
        self.totals: list[int] = []

    def begin(self, total: int) -> Any:
        self.totals.append(total)
        return self.filling

    def fetch(self) -> None:
        means, passage = self.hangar.means, (f"/v2/org/app/blobs/{self.digest}", ())
        self.leg.fetch(means.exchanges, self.hangar.hop, passage, means.throttle, self.begin, *self.how)

    @property
    def asked(self) -> list[str | None]:
        return [asked.headers.get("range") for asked in self.hangar.upstream.blob_requests()]


def test_the_whole_is_asked_for_without_a_range(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(0, None, main=True), to_the_end=True)
    flying.fetch()

    assert (flying.asked, flying.totals, flying.leg.position) == ([None], [len(DATA)], len(DATA))
    assert flying.filling.verdict()
    assert flying.filling.sources == [hangar.hop]


@pytest.mark.parametrize(("start", "end", "expected"), [(0, 1000, "bytes=0-999"), (5, 1_000_005, "bytes=5-1000004")])
def test_a_stretch_is_asked_for_exactly(hangar: Any, start: int, end: int, expected: str) -> None:
    flying = _Flying(hangar, Leg(start, end, main=False))
    flying.fetch()

    assert flying.asked == [expected]
    assert (flying.filling.run_end(start), flying.filling.present_bytes()) == (end, end - start)


def test_a_break_leaves_what_came_and_the_next_fetch_goes_on_there(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(0, None, main=True), to_the_end=True)
    hangar.upstream.faults = [cut_after(1_000_000)]
    with pytest.raises(HopFailed):
        flying.fetch()
    assert (flying.leg.position, flying.filling.run_end(0)) == (1_000_000, 1_000_000)
    flying.fetch()

    assert flying.asked == [None, "bytes=1000000-"]
    assert flying.filling.verdict()


def _whole(answering: Answering) -> None:
    answering.head("200 OK", Content_Length=len(answering.blob))
    answering.body(answering.blob)


def test_the_main_leg_passes_over_what_it_has_where_the_upstream_ignores_ranges(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(2_000_000, None, main=True), to_the_end=True)
    hangar.upstream.always = _whole
    flying.fetch()

    assert flying.filling.present_bytes() == 1_000_000


def test_a_segment_does_not_want_the_whole(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(2_000_000, 2_500_000, main=False))
    hangar.upstream.always = _whole

    with pytest.raises(IgnoresRange):
        flying.fetch()
    assert flying.filling.present_bytes() == 0


def _part(start: int, total: int = len(DATA)) -> Fault:
    def fault(answering: Answering) -> None:
        answering.head("206 X", Content_Length=10, Content_Range=f"bytes {start}-{start + 9}/{total}")
        answering.body(b"x" * 10)

    return fault


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (status("404 Not Found"), HopUnknown),
        (status("410 Gone"), HopUnknown),
        (status("401 Unauthorized"), HopDenied),
        (status("403 Forbidden"), HopDenied),
        (status("500 Oops"), HopFailed),
        (status("204 No Content"), HopFailed),
        (_part(6), HopFailed),
        (_part(4), HopFailed),
    ],
)
def test_answers_that_do_not_fit_write_nothing(hangar: Any, fault: Fault, failure: type[Exception]) -> None:
    flying = _Flying(hangar, Leg(5, 1000, main=False))
    hangar.upstream.always = fault

    with pytest.raises(failure):
        flying.fetch()
    assert (flying.filling.present_bytes(), flying.totals) == (0, [])


def test_a_part_that_nobody_asked_for_is_a_failure(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(0, None, main=True), to_the_end=True)
    hangar.upstream.always = _part(0)

    with pytest.raises(HopFailed, match="206"):
        flying.fetch()
    assert flying.filling.present_bytes() == 0


def _in_thread(flying: _Flying) -> tuple[threading.Thread, list[BaseException | None]]:
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            flying.fetch()
            ended.append(None)
        except BaseException as failure:
            ended.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, ended


@pytest.mark.parametrize(
    ("end", "stopped_by"),
    [(400_000, PIECE_BYTES), (500_010, PIECE_BYTES), (1_200_000, 1_200_000)],
    ids=["where it has been", "within the piece that is awaited", "later"],
)
def test_a_leg_that_is_shortened_under_way_stops_there(hangar: Any, end: int, stopped_by: int) -> None:
    flying = _Flying(hangar, Leg(0, None, main=True), to_the_end=True)
    hangar.upstream.always = hold_after(500_000)
    thread, ended = _in_thread(flying)
    eventually(lambda: flying.leg.position == 500_000)
    flying.leg.end = end
    hangar.upstream.release.set()
    thread.join(10)

    assert ended == [None]
    assert flying.filling.run_end(0) == flying.filling.present_bytes() == flying.leg.position
    assert end <= flying.leg.position <= stopped_by


def test_a_leg_that_is_aborted_ends_and_lets_its_file_go(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(0, None, main=True), to_the_end=True)
    hangar.upstream.always = hold_after(500_000)
    thread, ended = _in_thread(flying)
    eventually(lambda: flying.leg.position == 500_000)
    flying.filling.drop()
    flying.filling.release()
    assert flying.filling.fd >= 0, "the thread may still write"
    flying.leg.abort()
    thread.join(10)

    assert isinstance(ended[0], HopFailed)
    assert flying.filling.fd == -1


def test_a_leg_that_was_aborted_before_it_began_writes_nothing(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(0, None, main=True), to_the_end=True)
    flying.leg.abort()

    with pytest.raises(HopFailed, match="given up"):
        flying.fetch()
    assert flying.totals == []


def _without_length(answering: Answering) -> None:
    answering.head("200 OK", Connection="close")
    answering.body(answering.blob)
    answering.sock.shutdown(2)


def test_an_upstream_that_delivers_without_a_length_is_asked_for_it(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(0, None, main=True), to_the_end=True)
    hangar.upstream.faults = [_without_length]
    flying.fetch()

    assert (flying.totals, flying.filling.verdict()) == ([len(DATA)], True)


@pytest.mark.parametrize("line", ["404 Not Found", "403 Forbidden"])
def test_an_upstream_that_delivers_what_it_says_it_has_not_is_a_failure_and_no_refusal(hangar: Any, line: str) -> None:
    flying = _Flying(hangar, Leg(0, None, main=True), to_the_end=True)
    hangar.upstream.faults, hangar.upstream.heads_of[flying.digest] = [_without_length], status(line)

    with pytest.raises(HopFailed, match="does not say how long"):
        flying.fetch()
    assert flying.filling.present_bytes() == 0


def test_a_body_without_a_length_that_ends_early_is_a_failure_that_keeps_what_came(hangar: Any) -> None:
    def cut(answering: Answering) -> None:
        answering.head("200 OK", Connection="close")
        answering.body(answering.blob[:1000])
        answering.sock.shutdown(2)

    flying = _Flying(hangar, Leg(0, None, main=True), to_the_end=True)
    hangar.upstream.faults = [cut]
    with pytest.raises(HopFailed, match="early"):
        flying.fetch()
    assert (flying.leg.position, flying.filling.run_end(0)) == (1000, 1000)


def _bring(flying: _Flying, *stretches: tuple[int, int]) -> None:
    for start, end in stretches:
        flying.filling.add(memoryview(DATA)[start:end], start)


def test_a_leg_that_was_shortened_goes_on_where_nobody_may_ask_for_what_lies_behind(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(0, 1_000_000, main=True), to_the_end=True, may_ask=False)
    _bring(flying, (1_000_000, 1_500_000))
    flying.fetch()

    assert (flying.asked, flying.leg.position) == ([None], len(DATA))
    assert flying.filling.verdict()


def test_it_goes_on_no_further_than_to_the_last_byte_that_is_missing(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(0, 1_000_000, main=True), to_the_end=True, may_ask=False)
    _bring(flying, (1_000_000, 1_200_000), (1_300_000, len(DATA)))
    flying.fetch()

    assert (flying.leg.position, flying.filling.present_bytes()) == (1_300_000, len(DATA))


def test_it_goes_on_no_further_than_it_was_asked(hangar: Any) -> None:
    leg = Leg(0, 500_000, main=False)
    flying = _Flying(hangar, leg, may_ask=False)
    flying.fetch()

    assert leg.position == flying.filling.present_bytes() == 500_000


def test_it_goes_on_until_somebody_may_ask_again(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(0, 500_000, main=True), to_the_end=True)
    _bring(flying, (500_000, 600_000), (700_000, 800_000))
    flying.how = True, lambda: flying.leg.position > 600_000
    flying.fetch()

    assert flying.leg.position == 700_000, "the next question is for what follows the next piece"


@pytest.mark.parametrize(
    ("start", "end", "position", "covers"),
    [(5, 10, 5, True), (5, 10, 4, False), (5, 10, 9, True), (5, 10, 10, False), (5, None, 1 << 40, True)],
)
def test_a_leg_covers_what_it_has_not_brought_yet(start: int, end: int | None, position: int, covers: bool) -> None:
    assert Leg(start, end, main=True).covers(position) is covers


def test_what_is_written_ends_where_the_files_large_pages_end(hangar: Any) -> None:
    flying, writes = _Flying(hangar, Leg(0, None, main=True), to_the_end=True), []
    add = flying.filling.add

    def noted(view: memoryview, offset: int) -> bool:
        writes.append((offset, offset + len(view)))
        return bool(add(view, offset))

    flying.filling.add = noted
    flying.fetch()

    assert writes[0][1] <= FIRST_PIECE_BYTES
    assert not [(start, end) for start, end in writes if start // PIECE_BYTES != (end - 1) // PIECE_BYTES]
    assert flying.filling.verdict()


def test_the_question_is_known_to_have_left_before_it_is_answered(hangar: Any) -> None:
    flying = _Flying(hangar, Leg(0, None, main=True), to_the_end=True)
    hangar.upstream.always = hold_after(0)
    fetching = threading.Thread(target=flying.fetch)
    fetching.start()
    asked = flying.leg.asked.wait(5)
    hangar.upstream.release.set()
    fetching.join()

    assert asked
