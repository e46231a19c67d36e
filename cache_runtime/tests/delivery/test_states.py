"""Which state of a flight may follow which: the whole table, and that a flight keeps to it."""

from __future__ import annotations

import asyncio
import itertools
from unittest.mock import Mock

import pytest
from dtr_content_cache.delivery.flight import Flight
from dtr_content_cache.delivery.means import Passage
from dtr_content_cache.delivery.states import TRANSITIONS, State
from dtr_content_cache.values.blob_address import BlobAddress
from dtr_content_cache.values.digest import Digest

ALLOWED = {
    (State.WAITING, State.FILLING),
    (State.WAITING, State.FAILED),
    (State.FILLING, State.VERIFIED),
    (State.FILLING, State.FAILED),
    (State.VERIFIED, State.STORED),
}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(State, repeat=2)))
def test_a_flight_moves_only_by_the_table(old: State, new: State) -> None:
    async def move() -> State:
        flight = Flight(Mock(), BlobAddress("org/app", Digest("0" * 64)), Passage("/", 0), None)
        flight.state = old
        flight._move(new)
        return flight.state

    if (old, new) in ALLOWED:
        assert asyncio.run(move()) is new
    else:
        with pytest.raises(AssertionError, match="cannot go from"):
            asyncio.run(move())


def test_every_state_can_be_reached_and_two_are_the_end() -> None:
    reached = {State.WAITING} | {new for _, new in ALLOWED}

    assert reached == set(State) == set(TRANSITIONS)
    assert {state for state in State if not TRANSITIONS[state]} == {State.STORED, State.FAILED}
