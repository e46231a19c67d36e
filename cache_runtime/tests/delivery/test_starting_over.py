"""Wrong bytes and disputed lengths: the file is begun anew, unseen by whoever can be spared, from somebody else."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import replace
from typing import Any

import pytest
from doubles.flights import DATA, DIGEST, flight_of
from doubles.upstream import Answering, wrong_byte
from dtr_content_cache.delivery.flight import LengthDisputed
from dtr_content_cache.delivery.leg import Leg
from dtr_content_cache.delivery.states import State
from dtr_content_cache.values.events import FillEnded, UpstreamFailed
from dtr_content_cache.values.failures import UpstreamUnavailable, WrongBytes


def test_wrong_bytes_start_the_file_over_unseen_by_a_reader_that_has_nothing_yet(hangar: Any) -> None:
    wrong = bytearray(DATA[:100_000])
    wrong[5] ^= 1

    async def work() -> None:
        flight = flight_of(hangar, DATA[:100_000])
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
        flight = flight_of(hangar, DATA[:100_000])
        hangar.upstream.faults = [longer]
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        assert await flight.known_total() == 100_004
        with pytest.raises(WrongBytes):
            await asyncio.wait_for(flight.available(100_002, 100_004, 100_004, None, judged=True), 10)
        await running

    hangar.run(work)


def test_a_start_over_gives_the_room_of_the_wrong_file_back_and_closes_it(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangar.upstream.faults = [wrong_byte(7)]
    begin, begun = hangar.store.begin, []
    monkeypatch.setattr(hangar.store, "begin", lambda digest: begun.append(begin(digest)) or begun[-1])

    async def work() -> None:
        flight = flight_of(hangar, DATA[:100_000])
        await flight.run(asyncio.Semaphore(1))
        assert flight.state is State.STORED
        assert [unfinished.fd >= 0 for unfinished in begun] == [False, True]

    hangar.run(work)
    assert (hangar.space._pledged, hangar.space._unwritten) == (0, 0)
    assert os.listdir(hangar.store.layout.unfinished) == []


def test_starting_over_without_a_file_counts_as_a_start_too(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        flight._start_over()
        assert flight.generation == 1
        with pytest.raises(WrongBytes):
            flight._start_over()

    hangar.run(work)


def test_bytes_that_are_wrong_from_everybody_end_the_flight_and_say_so(hangar: Any) -> None:
    hangar.upstream.always = wrong_byte(7)

    async def work() -> None:
        flight = flight_of(hangar, DATA[:100_000])
        await flight.run(asyncio.Semaphore(1))
        assert flight.state is State.FAILED
        assert str(flight.failure) == "every upstream delivers wrong bytes"
        assert flight.generation == 2, "each may lead one start, and one more"

    hangar.run(work)
    said = {event.reason for event in hangar.events if isinstance(event, UpstreamFailed)}
    assert said == {f"the bytes it sent do not hash to sha256:{hashlib.sha256(DATA[:100_000]).hexdigest()}"}
    assert [event.outcome for event in hangar.events if isinstance(event, FillEnded)] == ["wrong-bytes"]


def test_a_length_that_nobody_else_confirms_is_given_up_for_the_right_one(hangar: Any) -> None:
    def longer_and_cut(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=100_004)
        answering.body(answering.blob[:70_000])
        answering.sock.shutdown(2)

    hangar.upstream.faults = [longer_and_cut]

    async def work() -> None:
        flight = flight_of(hangar, DATA[:100_000])
        await flight.run(asyncio.Semaphore(1))
        assert (flight.state, flight.total, flight.generation) == (State.STORED, 100_000, 1)

    hangar.run(work)
    said = [event.reason for event in hangar.events if isinstance(event, UpstreamFailed)]
    assert "it says the blob has 100000 bytes, another said 100004" in said


@pytest.mark.parametrize("brought", [True, False])
def test_who_brought_the_first_of_wrong_bytes_or_told_their_length_leads_no_start_again(
    hangar: Any, brought: bool
) -> None:
    first, second = replace(hangar.hop, host="first"), replace(hangar.hop, host="second")

    async def work() -> None:
        flight = flight_of(hangar)
        flight.filling = hangar.filling(DIGEST, len(DATA))
        flight.filling.sources = [first, second] if brought else []
        flight._start_over()
        assert flight._led_wrong == {first if brought else hangar.hop}

    hangar.run(work)


def test_wrong_bytes_from_nobody_rest_nobody(hangar: Any) -> None:
    async def work() -> None:
        flight_of(hangar)._rest_sources()

    hangar.run(work)
    assert hangar.events == []


def test_a_start_over_ends_what_threads_still_bring(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        main = flight._main = Leg(0, None, main=True)
        flight._start_over()
        assert main.aborted
        assert flight._main is None

    hangar.run(work)


@pytest.mark.parametrize("disputed", [True, False])
def test_only_where_the_length_is_disputed_a_failure_is_no_end(hangar: Any, disputed: bool) -> None:
    async def work() -> None:
        flight = flight_of(hangar)

        async def none_left(*what: Any) -> None:
            flight._disputed = disputed
            raise UpstreamUnavailable("no upstream delivers")

        hangar.means.attempts.until_answered = none_left
        with pytest.raises(LengthDisputed if disputed else UpstreamUnavailable):
            await flight._fill_by(Leg(0, None, main=True))

    hangar.run(work)


def test_a_dispute_is_forgotten_with_the_leg_that_it_was_about(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        flight._disputed = True

        async def none_left(*what: Any) -> None:
            raise UpstreamUnavailable("no upstream delivers")

        hangar.means.attempts.until_answered = none_left
        with pytest.raises(UpstreamUnavailable):
            await flight._fill_by(Leg(0, None, main=True))

    hangar.run(work)


def test_who_has_sent_bytes_of_a_wrong_file_is_told_before_the_next_start_has_brought_any(hangar: Any) -> None:
    wrong = bytearray(DATA[:100_000])
    wrong[-1] ^= 1

    def late(answering: Answering) -> None:
        answering.upstream.release.wait(10)
        answering.well()

    async def work() -> None:
        flight = flight_of(hangar, DATA[:100_000])
        hangar.upstream.faults = [lambda answering: answering.well(bytes(wrong)), late]
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        total = await flight.known_total()
        waiting = asyncio.create_task(flight.available(total - 1, total, total, 0, judged=True))
        with pytest.raises(WrongBytes):
            await asyncio.wait_for(waiting, 10)
        assert flight.total is None, "nobody has told a length anew"
        hangar.upstream.release.set()
        await running

    hangar.run(work)
