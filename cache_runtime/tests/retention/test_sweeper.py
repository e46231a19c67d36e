"""The sweeper removes what is over its time, whatever the clocks do, and never stops sweeping."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from doubles.volume import leftovers
from dtr_content_cache.retention import sweeper as sweeper_module
from dtr_content_cache.retention.choice import EXPIRED_AT_LEAST_PER_SWEEP
from dtr_content_cache.retention.sweeper import FUTURE_S, sweep_interval_s
from dtr_content_cache.values import gentle
from dtr_content_cache.values.events import Fault, StorageTrouble, SweepDone

YEAR_S = 365 * 86400.0


def test_a_blob_goes_its_ttl_after_its_last_pull_not_after_its_storing(make_room) -> None:
    room = make_room(ttl_s=100)
    room.put("a")
    room.put("b")
    room.clock.advance(90)
    room.pull("a")
    room.clock.advance(20)
    room.sweep()

    assert room.left == "a"
    assert [(event.reason, event.idle_s) for event in room.evicted] == [("ttl", 110)]

    room.clock.advance(81)
    room.sweep()
    assert room.left == ""


def test_it_tells_what_the_volume_holds(make_room) -> None:
    room = make_room(total_bytes=10_000)
    room.put("a", 2000)
    room.clock.advance(60)
    room.put("b", 1000)
    room.sweep()

    (done,) = [event for event in room.events if isinstance(event, SweepDone)]
    assert (done.blobs, done.bytes_used, done.free_bytes, done.oldest_idle_s) == (2, 3000, 7000, 60)


def test_a_clock_set_ten_years_ahead_while_it_runs_evicts_nothing(make_room) -> None:
    room = make_room(ttl_s=3600)
    for number in range(20):
        room.put(f"{number}")
    room.clock.set_wall(room.clock.wall() + 10 * YEAR_S)
    room.sweep()

    assert room.evicted == []


def test_a_clock_set_ten_years_ahead_across_a_restart_evicts_a_bounded_share_a_sweep(make_room) -> None:
    room = make_room(ttl_s=3600)
    for number in range(EXPIRED_AT_LEAST_PER_SWEEP + 50):
        room.put(f"{number}", 10)
    room.clock.advance(10 * YEAR_S)  # to a new process, both clocks begin there

    room.sweep()
    assert len(room.evicted) == EXPIRED_AT_LEAST_PER_SWEEP
    room.sweep()
    assert len(room.evicted) == EXPIRED_AT_LEAST_PER_SWEEP + 50


def test_a_last_pull_in_the_far_future_does_not_keep_a_blob_until_then(make_room) -> None:
    room = make_room(ttl_s=3600)
    room.clock.advance(10 * YEAR_S)
    room.put("a")
    room.clock.advance(-10 * YEAR_S)
    room.sweep()
    assert room.left == "a"

    room.clock.advance(3599)
    room.sweep()
    assert room.left == "a"

    room.clock.advance(2)
    room.sweep()
    assert room.left == ""


def test_another_hosts_clock_that_is_a_little_ahead_is_left_alone(make_room) -> None:
    room = make_room(ttl_s=3600)
    room.clock.advance(FUTURE_S - 1)
    digest = room.put("a")
    pulled_s = room.store.pulled_s(digest)
    room.clock.advance(1 - FUTURE_S)
    room.sweep()

    assert room.store.pulled_s(digest) == pulled_s


def test_only_the_oldest_are_remembered_as_candidates_however_many_there_are(make_room, monkeypatch) -> None:
    monkeypatch.setattr(sweeper_module, "CANDIDATES", 5)
    room = make_room(max_size_bytes=30_000)
    for name in "abcdefghijklmnopqrst":
        room.put(name)
        room.clock.advance(1)
    room.sweep()
    assert [blob.pulled_s for blob in room.space._oldest] == sorted(blob.pulled_s for blob in room.space._oldest)
    assert len(room.space._oldest) == 5

    room.reserve(18_000)  # more than the five candidates have: it looks at the volume again

    assert room.left == "ijklmnopqrst"


def test_it_leaves_the_interpreter_to_others_five_times_as_long_as_it_had_it(make_room, monkeypatch) -> None:
    clock = iter(range(100))
    slept: list[float] = []
    monkeypatch.setattr(gentle.time, "thread_time", lambda: 0.5 * next(clock))
    monkeypatch.setattr(gentle.time, "sleep", slept.append)
    monkeypatch.setattr(sweeper_module, "_REST_EVERY_BLOBS", 2)
    room = make_room()
    for number in range(5):
        room.put(f"{number}")
    room.sweep()

    assert slept == [2.5, 2.5]


def test_leftovers_of_the_dead_are_swept_with_it(make_room) -> None:
    room = make_room()
    dead = room.store.begin(room.put("a"))
    dead.close()  # the lock is gone, the name is not

    room.sweep()

    assert leftovers(Path(room.store.layout.root)) == []


def test_a_read_only_volume_is_only_looked_at(make_room) -> None:
    room = make_room(may_write=False, ttl_s=1)
    room.put("a")
    room.store.begin(room.put("b")).close()
    room.clock.advance(100)
    before = sorted(os.listdir(room.store.layout.unfinished))
    room.sweep()

    assert room.left == "ab"
    assert sorted(os.listdir(room.store.layout.unfinished)) == before


def test_a_volume_in_trouble_is_told_and_evicts_nothing(make_room, monkeypatch) -> None:
    room = make_room(ttl_s=1)
    room.put("a")
    room.clock.advance(100)

    def broken(path: str):
        raise OSError(5, "EIO")

    monkeypatch.setattr(room.store.files, "scandir", broken)
    room.sweep()

    assert [event.reason for event in room.events if isinstance(event, StorageTrouble)] == ["listing: EIO"]
    assert room.left == "a"


@pytest.mark.parametrize(("ttl_s", "interval_s"), [(None, 900), (24 * 3600, 900), (3600, 180), (2, 1), (24e-9, 1)])
def test_it_sweeps_as_often_as_the_ttl_needs(ttl_s: float | None, interval_s: float) -> None:
    assert sweep_interval_s(ttl_s) == interval_s


def test_a_bug_in_one_sweep_is_told_and_does_not_end_the_sweeping(make_room, monkeypatch) -> None:
    room = make_room(ttl_s=1)
    monkeypatch.setattr(sweeper_module, "SWEEP_AT_MOST_EVERY_S", 0.0)
    sweeps: list[float] = []
    real = room.sweeper.sweep

    def sweep() -> None:
        sweeps.append(time.monotonic())
        if len(sweeps) == 1:
            raise ValueError("a bug")
        real()

    monkeypatch.setattr(room.sweeper, "sweep", sweep)

    async def run() -> None:
        task = asyncio.create_task(room.sweeper.run())
        async with asyncio.timeout(10):
            while not any(isinstance(event, SweepDone) for event in room.events):
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())

    assert len(sweeps) >= 2
    assert [event.where for event in room.events if isinstance(event, Fault)] == ["sweeper"]


def test_new_limits_are_swept_by_at_once_not_when_the_old_ones_would_have(make_room) -> None:
    room = make_room(ttl_s=None)
    room.put("a")
    room.clock.advance(100)

    async def run() -> None:
        task = asyncio.create_task(room.sweeper.run())
        async with asyncio.timeout(10):
            while not any(isinstance(event, SweepDone) for event in room.events):
                await asyncio.sleep(0.01)
            room.space.limits = replace(room.space.limits, ttl_s=50)
            room.sweeper.hurry()
            while room.left:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_a_cancellation_at_the_moment_of_new_limits_is_not_lost(make_room) -> None:
    room = make_room()

    async def run() -> None:
        task = asyncio.create_task(room.sweeper.run())
        async with asyncio.timeout(10):
            while not room.events:
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)
            room.sweeper.hurry()
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
