"""The hard file, where time and threads meet: each test is a race or a sequence that once went, or would go, wrong."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from doubles.flights import DATA, DIGEST, MIB, bring, flight_of, until
from doubles.upstream import Answering, hold_after
from dtr_content_cache.delivery.flight import Flight
from dtr_content_cache.delivery.leg import Leg
from dtr_content_cache.delivery.states import State
from dtr_content_cache.upstream.response_head import HopFailed
from dtr_content_cache.values.events import FillResumed


async def _fetched(flight: Flight, leg: Leg, hop: Any, failure: Exception | None = None, gain: int = 0) -> list[Any]:
    """`leg` by a thread that gains so many bytes and fails; the arguments it was given."""
    given: list[Any] = []

    def fetch(*arguments: Any) -> None:
        given.extend(arguments)
        leg.position += gain
        if failure is not None:
            raise failure

    leg.fetch = fetch  # type: ignore[method-assign]
    await flight._fetch(leg, hop, lambda total: None)  # type: ignore[arg-type, return-value]
    return given


def test_a_byte_that_comes_between_two_questions_is_not_fetched_a_second_time(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        filling = flight.filling = hangar.filling(DIGEST, len(DATA))
        flight.total, flight.state = len(DATA), State.FILLING
        bring(filling, DATA[: 2 * MIB])
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
                bring(filling, DATA[self.position : self.position + MIB], self.position)
                self.position += MIB
            return super().covers(position)

    async def work() -> None:
        flight = flight_of(hangar)
        nonlocal filling
        filling = flight.filling = hangar.filling(DIGEST, len(DATA))
        flight.total = len(DATA)
        bring(filling, DATA[:MIB])
        nothing = asyncio.get_running_loop().create_task(asyncio.sleep(0))
        flight._leaps._segments[Moving(MIB, 5 * MIB, main=False)] = nothing

        leg = flight._next_leg()

        assert leg is not None
        assert (leg.start, leg.end) == (5 * MIB, 6 * MIB)
        flight._leaps._segments.clear()

    filling: Any = None
    hangar.run(work)


def test_at_most_a_few_segments_fly_at_once(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        hangar.upstream.always = hold_after(1000)
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        total = await flight.known_total()
        await until(lambda: flight.filling is not None and flight.filling.run_end(0) == 1000)
        places = range(2 * MIB, 6 * MIB, MIB // 2)
        readers = [asyncio.create_task(flight.available(at, at + 1000, total, None, judged=False)) for at in places]
        await asyncio.sleep(0)
        assert len(flight._leaps.segments) == 4
        hangar.upstream.release.set()
        await asyncio.gather(*readers)
        await running
        assert flight.state is State.STORED

    hangar.run(work)


def test_states_move_by_their_table_only(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        with pytest.raises(AssertionError, match="cannot go"):
            flight._move(State.STORED)
        assert flight.state is State.WAITING

    hangar.run(work)


def test_a_length_that_is_told_between_two_looks_is_not_waited_for(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        changed = flight.progress.changed

        def told_meanwhile() -> Any:
            flight.total = 17
            return changed()

        monkeypatch.setattr(flight.progress, "changed", told_meanwhile)
        assert await asyncio.wait_for(flight.known_total(), 5) == 17

    hangar.run(work)


def test_a_flight_that_lands_between_two_looks_is_not_waited_for(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        changed = flight.progress.changed

        def landed_meanwhile() -> Any:
            flight.state = State.STORED
            return changed()

        monkeypatch.setattr(flight.progress, "changed", landed_meanwhile)
        await asyncio.wait_for(flight.landed(), 5)

    hangar.run(work)


def test_the_flight_waits_for_a_segment_that_is_still_on_its_way(hangar: Any) -> None:
    later = threading.Event()

    def slow(answering: Answering) -> None:
        later.wait(20)
        answering.well()

    hangar.upstream.faults = [hold_after(1000), slow]

    async def work() -> None:
        flight = flight_of(hangar)
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        total = await flight.known_total()
        reader = asyncio.create_task(flight.available(4 * MIB, 6 * MIB, total, None, judged=False))
        await until(lambda: flight._leaps.segments)
        hangar.upstream.release.set()
        await until(lambda: flight._main is None)
        assert flight.filling is not None
        assert flight.filling.run_end(0) == 4 * MIB
        later.set()
        await reader
        await running
        assert flight.state is State.STORED

    hangar.run(work)
    assert len(hangar.upstream.blob_requests()) == 2


def test_a_flight_that_waits_for_its_turn_keeps_nobody_waiting_for_its_question(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        flight.let_ask()
        assert flight.state is State.WAITING

    hangar.run(work)


def test_a_question_that_is_being_asked_is_given_half_a_millisecond(hangar: Any) -> None:
    async def work() -> None:
        flight, waited = flight_of(hangar), []
        flight._main = Leg(0, None, main=True)
        flight._main.asked.wait = waited.append  # type: ignore[method-assign]
        flight.let_ask()
        assert waited == [0.0005]

    hangar.run(work)


@pytest.mark.parametrize(("end", "to_the_end"), [(None, True), (100, True), (99, False)])
def test_the_rest_of_a_blob_is_asked_for_without_its_end(hangar: Any, end: int | None, to_the_end: bool) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        flight.filling = hangar.filling(DIGEST, 100)
        bring(flight.filling, DATA[:1], 99)
        given = await _fetched(flight, Leg(5, end, main=True), hangar.hop)
        assert given[-2] is to_the_end

    hangar.run(work)


@pytest.mark.parametrize("gain", [0, 10])
def test_only_a_leg_that_broke_with_a_gain_is_resumed_and_that_is_told_once(hangar: Any, gain: int) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        with pytest.raises(HopFailed):
            await _fetched(flight, Leg(5, None, main=True), hangar.hop, HopFailed("reset"), gain)
        for start in (15, 20):
            await _fetched(flight, Leg(start, None, main=True), hangar.hop)

    hangar.run(work)
    told = [(event.upstream, event.offset, event.reason) for event in hangar.events if isinstance(event, FillResumed)]
    assert told == ([(hangar.hop.url, 15, "reset")] if gain else [])


@pytest.mark.parametrize(("brought", "gained"), [(65_535, 0), (65_536, 1), (200_000, 3)])
def test_a_leg_gains_by_its_own_stretch_and_not_by_where_it_began(hangar: Any, brought: int, gained: int) -> None:
    async def work() -> None:
        flight, leg, asked = flight_of(hangar), Leg(MIB, None, main=True), []

        async def ask(attempt: Any, gain: Any, last: Any) -> None:
            leg.position += brought
            asked.append((gain(), last))

        hangar.means.attempts.until_answered = ask
        flight._led_wrong = {hangar.hop}
        await flight._fill_by(leg)
        assert asked == [(gained, {hangar.hop})]

    hangar.run(work)


@pytest.mark.parametrize(("brought", "stretch"), [(None, (0, None)), (0, (0, 6 * MIB)), (MIB, (MIB, 6 * MIB))])
def test_the_next_leg_is_a_main_leg_for_the_first_bytes_that_are_missing(
    hangar: Any, brought: int | None, stretch: tuple[int, int | None]
) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        if brought is not None:
            flight.filling = hangar.filling(DIGEST, len(DATA))
            bring(flight.filling, DATA[:brought])
        leg = flight._next_leg()
        assert leg is not None
        assert ((leg.start, leg.end), leg.main) == (stretch, True)

    hangar.run(work)
