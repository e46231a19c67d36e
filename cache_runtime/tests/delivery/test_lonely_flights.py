"""A flight that nobody waits for: when it is looked at, when it goes on all the same, and when it is given up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from doubles.flights import DATA, DIGEST, MIB, bring, flight_of, until
from doubles.timers import timers_of
from doubles.upstream import hold_after
from dtr_content_cache.delivery import flight as flight_module
from dtr_content_cache.delivery.flight import Abandoned, Flight
from dtr_content_cache.delivery.leg import Leg
from dtr_content_cache.delivery.states import State
from dtr_content_cache.upstream.response_head import HopFailed


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


def test_a_reader_that_comes_back_as_the_flight_is_given_up_is_served_by_it(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        hangar.upstream.faults = [hold_after(MIB)]
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        await until(lambda: flight.filling is not None and flight.filling.run_end(0) == MIB)
        flight.leave()
        flight._main.abort()  # type: ignore[union-attr]
        flight.join(hangar.passage(DIGEST))
        await running

        assert flight.state is State.STORED

    hangar.run(work)


@pytest.mark.parametrize(
    ("readers", "state", "given_up"),
    [(1, State.FILLING, False), (0, State.VERIFIED, False), (0, State.FILLING, True)],
)
def test_a_flight_is_given_up_only_while_it_fills_and_nobody_has_come_back_to_it(
    hangar: Any, monkeypatch: pytest.MonkeyPatch, readers: int, state: State, given_up: bool
) -> None:
    monkeypatch.setattr(flight_module, "LINGER_WHOLE_BYTES", MIB)

    async def work() -> None:
        flight = flight_of(hangar)
        flight.filling, flight.state, flight.readers = hangar.filling(DIGEST, len(DATA)), state, readers
        flight._main = Leg(0, None, main=True)
        flight._abandon_if_lonely()
        assert flight._main.aborted is given_up

    hangar.run(work)


def test_a_lonely_flight_between_two_legs_is_looked_at_again(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        flight.filling, flight.state, flight.readers = hangar.filling(DIGEST, len(DATA)), State.FILLING, 0
        lingered: list[str] = []
        monkeypatch.setattr(flight, "_linger", lambda: lingered.append("again"))
        flight._abandon_if_lonely()
        assert lingered == ["again"]
        flight._main, flight.filling = Leg(0, None, main=True), None
        flight._abandon_if_lonely()
        assert lingered == ["again", "again"]

    hangar.run(work)


@pytest.mark.parametrize(("brought", "given_up"), [(3 * MIB, False), (3 * MIB - 1, True)])
def test_a_lonely_flight_is_given_up_where_more_than_half_and_more_than_a_little_is_missing(
    hangar: Any, monkeypatch: pytest.MonkeyPatch, brought: int, given_up: bool
) -> None:
    monkeypatch.setattr(flight_module, "LINGER_WHOLE_BYTES", MIB)

    async def work() -> None:
        flight = flight_of(hangar)
        flight.filling, flight.state, flight.readers = hangar.filling(DIGEST, len(DATA)), State.FILLING, 0
        bring(flight.filling, DATA[:brought])
        flight._main = Leg(brought, None, main=True)
        flight._abandon_if_lonely()
        assert flight._main.aborted is given_up

    hangar.run(work)


def test_a_little_that_is_missing_is_fetched_for_nobody(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flight_module, "LINGER_WHOLE_BYTES", len(DATA))

    async def work() -> None:
        flight = flight_of(hangar)
        flight.filling, flight.state, flight.readers = hangar.filling(DIGEST, len(DATA)), State.FILLING, 0
        flight._main = Leg(0, None, main=True)
        flight._abandon_if_lonely()
        assert not flight._main.aborted

    hangar.run(work)


def test_a_flight_that_nobody_waits_for_is_looked_at_after_a_while_and_ends(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_module, "LINGER_S", 0.01)
    monkeypatch.setattr(flight_module, "LINGER_WHOLE_BYTES", MIB)
    hangar.upstream.always = hold_after(MIB)

    async def work() -> None:
        flight = flight_of(hangar)
        flight.leave()
        await flight.run(asyncio.Semaphore(1))
        assert flight.state is State.FAILED
        assert isinstance(flight.failure, Abandoned)

    hangar.run(work)


def test_the_time_that_a_flight_goes_on_for_nobody_counts_from_the_last_reader_that_left(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        flight, loop = flight_of(hangar), asyncio.get_running_loop()
        looks = timers_of(loop, monkeypatch)
        flight.state = State.FILLING
        for _ in range(3):
            flight.leave()
            flight.join(hangar.passage(DIGEST))

        assert [look.cancelled() for look in looks] == [True, True, False]

    hangar.run(work)


def test_only_the_last_reader_to_leave_makes_a_flight_a_lonely_one(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        flight, lingered = flight_of(hangar), []
        monkeypatch.setattr(flight, "_linger", lambda: lingered.append(flight.readers))
        flight.join(hangar.passage(DIGEST))
        flight.state = State.FILLING
        flight.leave()
        assert lingered == []
        flight.leave()
        assert lingered == [0]

    hangar.run(work)


def test_a_leg_that_was_given_up_for_want_of_readers_ends_the_flight_and_else_does_not(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        leg = Leg(0, None, main=True)
        leg.abort()
        await _fetched(flight, leg, hangar.hop, HopFailed("given up"))
        flight.readers = 0
        with pytest.raises(Abandoned, match="no reader left"):
            await _fetched(flight, leg, hangar.hop, HopFailed("given up"))

    hangar.run(work)
