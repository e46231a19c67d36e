"""The days' figures: counted from the counters, kept over restarts, added to by every cache of a volume."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from doubles.clock import HandMovedClock
from doubles.sample_events import served
from dtr_content_cache.observation.daily import DAYS_KEPT, Served, added, day_of, read, served_so_far, written
from dtr_content_cache.observation.day_book import ENTRY_EVERY_S, DayBook, wait_s
from dtr_content_cache.observation.request_metrics import RequestMetrics
from dtr_content_cache.values.failures import NoSpace

DAY_S = 86400.0


class Volume:
    """A file that is a variable; `full` makes it refuse."""

    def __init__(self) -> None:
        self.document: bytes | None = None
        self.full = False

    def recall(self) -> bytes | None:
        return self.document

    def remember(self, document: bytes) -> None:
        if self.full:
            raise NoSpace("full")
        self.document = document


class Office:
    def __init__(self, volume: Volume, clock: HandMovedClock) -> None:
        self.total = Served()
        self.book = DayBook(lambda: self.total, volume.recall, volume.remember, clock, ThreadPoolExecutor(1))

    def serve(self, hits: int, misses: int = 0) -> None:
        self.total = self.total + Served(hits + misses, hits, 10 * (hits + misses), 10 * hits)

    def enter(self) -> None:
        asyncio.run(self.book.enter())

    def start(self) -> None:
        asyncio.run(self.book.begin())


def test_the_figures_are_those_of_the_metrics() -> None:
    metrics = RequestMetrics()
    for cache in ("hit", "hit", "miss", "collapsed", ""):
        metrics.served(served(cache=cache, body_bytes=100))
    assert served_so_far(metrics.collect()) == Served(requests=4, hits=2, sent_bytes=400, hit_bytes=200)


def test_today_is_right_up_to_this_moment_without_an_entry() -> None:
    clock = HandMovedClock()
    office = Office(Volume(), clock)
    office.serve(3, 1)
    assert office.book.days() == {day_of(clock.wall()): Served(4, 3, 40, 30)}


def test_what_was_served_is_added_over_a_restart() -> None:
    volume, clock = Volume(), HandMovedClock()
    first = Office(volume, clock)
    first.serve(3)
    first.enter()
    second = Office(volume, clock)
    second.start()
    second.serve(2)
    assert second.book.days() == {day_of(clock.wall()): Served(5, 5, 50, 50)}


def test_caches_that_share_a_volume_add_to_the_same_days() -> None:
    volume, clock = Volume(), HandMovedClock()
    one, other = Office(volume, clock), Office(volume, clock)
    one.serve(1)
    other.serve(2)
    one.enter()
    other.enter()
    one.serve(4)
    one.enter()
    assert read(volume.document) == one.book.days() == {day_of(clock.wall()): Served(7, 7, 70, 70)}


def test_what_came_before_midnight_belongs_to_the_day_that_ended() -> None:
    clock = HandMovedClock()
    office = Office(Volume(), clock)
    yesterday = day_of(clock.wall())
    office.serve(5)
    clock.advance(DAY_S)
    office.enter()
    office.serve(1)
    assert office.book.days() == {yesterday: Served(5, 5, 50, 50), day_of(clock.wall()): Served(1, 1, 10, 10)}


def test_an_entry_is_made_at_the_turn_of_the_day() -> None:
    assert wait_s(DAY_S - 10) == pytest.approx(10.01)
    assert wait_s(12.0) == ENTRY_EVERY_S


def test_a_full_volume_loses_nothing_and_is_tried_again() -> None:
    volume, clock = Volume(), HandMovedClock()
    office = Office(volume, clock)
    office.serve(3)
    volume.full = True
    office.enter()
    assert office.book.days() == {day_of(clock.wall()): Served(3, 3, 30, 30)}
    volume.full = False
    office.enter()
    assert read(volume.document) == office.book.days()


def test_an_idle_cache_writes_nothing() -> None:
    volume = Volume()
    Office(volume, HandMovedClock()).enter()
    assert volume.document is None


def test_two_weeks_are_kept() -> None:
    days = {day_of(number * DAY_S): Served(1) for number in range(40)}
    kept = added(days, {})
    assert list(kept) == sorted(days)[-DAYS_KEPT:]


@pytest.mark.parametrize(
    "document",
    [None, b"", b"[]", b"{", b'{"x": [1,2,3,4]}', b'{"2026-01-01": [1]}', b'{"2026-01-01": [1,2,3,"4"]}',
     b'{"2026-01-01": [1,2,3,-4]}', b'{"2026-01-01": 5}', b"\xff\xfe", b"[" * 100_000,
     b'{"2026-1-01": [1,2,3,4]}', '{"\u0662026-01-01": [1,2,3,4]}'.encode(),
     b'{"2026-01-01": [1,2,3,' + b"9" * 4300 + b"]}"],
)  # fmt: skip
def test_a_damaged_file_is_no_days(document: bytes | None) -> None:
    assert read(document) == {}


def test_a_day_reads_as_it_was_written() -> None:
    days = {"2026-01-01": Served(1, 2, 3, 4)}
    assert read(written(days)) == days
