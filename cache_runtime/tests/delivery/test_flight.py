"""The hard file, where time and threads meet: each test is a race or a sequence that once went, or would go, wrong."""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import Any

import pytest
from doubles.upstream import Answering, cut_after, hold_after, status
from dtr_content_cache.delivery import attempts
from dtr_content_cache.delivery.flight import Flight
from dtr_content_cache.delivery.leg import Leg
from dtr_content_cache.delivery.means import Passage
from dtr_content_cache.delivery.states import State
from dtr_content_cache.values.events import Fault, FillEnded
from dtr_content_cache.values.failures import UpstreamUnavailable, WrongBytes

MIB = 1 << 20
DATA = random.Random(71).randbytes(6 * MIB)
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)


def _flight(hangar: Any, data: bytes = DATA) -> Flight:
    digest = hangar.upstream.add(data)
    flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), None)
    flight.join(hangar.passage(digest))
    return flight


async def _until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_a_byte_that_comes_between_two_questions_is_not_fetched_a_second_time(hangar: Any) -> None:
    async def work() -> None:
        flight = _flight(hangar)
        filling = flight.filling = hangar.filling(DIGEST, len(DATA))
        flight.total, flight.state = len(DATA), State.FILLING
        filling.write(memoryview(DATA)[: 2 * MIB], 0)
        flight._main = Leg(0, None, main=True)
        flight._main.position, flight._main.end = 2 * MIB, len(DATA)

        # The reader saw its byte missing; before it looks at the legs, the main leg has brought it and moved on.
        flight._reach(filling, MIB, len(DATA))
        assert flight._leaps.segments == ()

    hangar.run(work)


def test_a_segment_that_moves_on_while_the_next_leg_is_chosen_is_not_done_twice(hangar: Any) -> None:
    class Moving(Leg):
        """Brings a piece of its stretch each time that somebody asks what it covers."""

        def covers(self, position: int) -> bool:
            if self.position < 4 * MIB:
                filling.write(memoryview(DATA)[self.position : self.position + MIB], self.position)
                self.position += MIB
            return super().covers(position)

    async def work() -> None:
        flight = _flight(hangar)
        nonlocal filling
        filling = flight.filling = hangar.filling(DIGEST, len(DATA))
        flight.total = len(DATA)
        filling.write(memoryview(DATA)[:MIB], 0)
        nothing = asyncio.get_running_loop().create_task(asyncio.sleep(0))
        flight._leaps._segments[Moving(MIB, 5 * MIB, main=False)] = nothing

        leg = flight._next_leg()

        assert leg is not None
        assert (leg.start, leg.end) == (5 * MIB, 6 * MIB)
        flight._leaps._segments.clear()

    filling: Any = None
    hangar.run(work)


def test_wrong_bytes_start_the_file_over_unseen_by_a_reader_that_has_nothing_yet(hangar: Any) -> None:
    wrong = bytearray(DATA[:100_000])
    wrong[5] ^= 1

    async def work() -> None:
        flight = _flight(hangar, DATA[:100_000])
        hangar.upstream.faults = [lambda answering: answering.well(bytes(wrong))]
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        total = await flight.known_total()
        filling, run = await flight.available(0, total, total, None, judged=True)

        assert (flight.generation, filling.total, run) == (1, 100_000, 100_000)
        await running
        assert flight.state is State.STORED
        assert len(hangar.upstream.blob_requests()) == 2

    hangar.run(work)


def test_a_reader_that_was_told_a_length_which_turned_out_wrong_is_not_left_waiting(hangar: Any) -> None:
    def longer(answering: Answering) -> None:
        answering.well(answering.blob + b"more")

    async def work() -> None:
        flight = _flight(hangar, DATA[:100_000])
        hangar.upstream.faults = [longer]
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        assert await flight.known_total() == 100_004
        with pytest.raises(WrongBytes):
            await asyncio.wait_for(flight.available(100_002, 100_004, 100_004, None, judged=True), 10)
        await running

    hangar.run(work)


def test_a_flight_that_is_cancelled_aborts_its_thread_and_its_file_closes_with_the_last_user(hangar: Any) -> None:
    async def work() -> None:
        flight = _flight(hangar)
        hangar.upstream.always = hold_after(MIB)
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        await _until(lambda: flight.filling is not None and flight.filling.run_end(0) == MIB)
        filling = flight.filling
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        filling.drop()  # type: ignore[union-attr]
        flight.land()
        assert filling.fd >= 0  # type: ignore[union-attr]
        flight.leave()
        await _until(lambda: filling.fd == -1)  # type: ignore[union-attr]

    hangar.run(work)


def test_the_file_of_a_failed_flight_stays_open_for_a_reader_that_is_slow_to_notice(hangar: Any) -> None:
    async def work() -> None:
        flight = _flight(hangar)
        hangar.upstream.faults, hangar.upstream.always = [cut_after(MIB)], status("500 Oops")
        await flight.run(asyncio.Semaphore(1))
        flight.land()

        filling, run = await flight.available(0, len(DATA), len(DATA), None, judged=True)
        assert (run, filling.hold().fd >= 0) == (MIB, True)
        with pytest.raises(UpstreamUnavailable):
            await flight.available(MIB, len(DATA), len(DATA), 0, judged=True)
        filling.release()
        flight.leave()
        assert filling.fd == -1

    hangar.run(work)


def test_a_bug_in_a_thread_is_a_fault_in_the_log_and_a_failure_for_the_readers(hangar: Any) -> None:
    async def work() -> None:
        flight = _flight(hangar)
        hangar.exchanges.open = lambda *_: 1 / 0
        await flight.run(asyncio.Semaphore(1))

        with pytest.raises(UpstreamUnavailable):
            await flight.known_total()
        [fault] = [event for event in hangar.events if isinstance(event, Fault)]
        assert "ZeroDivisionError" in fault.traceback
        assert [event.outcome for event in hangar.events if isinstance(event, FillEnded)] == ["failed"]

    hangar.run(work)


def test_a_reader_that_comes_back_as_the_flight_is_given_up_is_served_by_it(hangar: Any) -> None:
    async def work() -> None:
        flight = _flight(hangar)
        hangar.upstream.faults = [hold_after(MIB)]
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        await _until(lambda: flight.filling is not None and flight.filling.run_end(0) == MIB)
        flight.leave()
        flight._main.abort()  # type: ignore[union-attr]
        flight.join(hangar.passage(DIGEST))
        await running

        assert flight.state is State.STORED

    hangar.run(work)


def test_a_grant_that_is_refused_while_a_longer_one_has_come_is_not_the_last_word(hangar: Any) -> None:
    def refuses_late(answering: Answering) -> None:
        answering.upstream.release.wait(10)
        answering.head("403 Forbidden", Content_Length=0)

    async def work() -> None:
        flight = _flight(hangar)
        hangar.upstream.faults = [refuses_late]
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        await _until(lambda: hangar.upstream.blob_requests())
        flight.join(Passage(f"/v2/org/app/blobs/{DIGEST}?grant=longer", 1000.0))
        hangar.upstream.release.set()
        await running

        assert flight.state is State.STORED
        assert [asked.query for asked in hangar.upstream.blob_requests()] == ["", "grant=longer"]

    hangar.run(work)


def test_at_most_a_few_segments_fly_at_once(hangar: Any) -> None:
    async def work() -> None:
        flight = _flight(hangar)
        hangar.upstream.always = hold_after(1000)
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        total = await flight.known_total()
        await _until(lambda: flight.filling is not None and flight.filling.run_end(0) == 1000)
        places = range(2 * MIB, 6 * MIB, MIB // 2)
        readers = [asyncio.create_task(flight.available(at, at + 1000, total, None, judged=False)) for at in places]
        await asyncio.sleep(0)
        assert len(flight._leaps.segments) == 4
        hangar.upstream.release.set()
        await asyncio.gather(*readers)
        await running
        assert flight.state is State.STORED

    hangar.run(work)
