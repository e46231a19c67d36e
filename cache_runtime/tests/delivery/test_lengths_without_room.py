"""A length for which there is no file: whose word is believed, and what it costs a liar."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from doubles.flights import DATA, DIGEST, flight_of
from doubles.upstream import Answering, Fault, Upstream
from dtr_content_cache.delivery.attempts import Attempts
from dtr_content_cache.delivery.flight import Flight
from dtr_content_cache.delivery.leg import Leg
from dtr_content_cache.delivery.states import State
from dtr_content_cache.retention.choice import Limits
from dtr_content_cache.settings.model import Upstream as Hop
from dtr_content_cache.upstream.turns import Turns
from dtr_content_cache.values.clock import SystemClock
from dtr_content_cache.values.events import UpstreamFailed
from dtr_content_cache.values.failures import NoSpace, StorageBroken

SHORT = DATA[:100_000]


def _says(length: int) -> Fault:
    """The right bytes behind that length, then the end."""

    def fault(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=length)
        if answering.asked.method == "GET":
            answering.body(answering.blob[:length])
            answering.sock.shutdown(2)

    return fault


@contextmanager
def _beside(hangar: Any, flight: Flight) -> Iterator[Upstream]:
    """One whom the flight asks after `hangar.upstream`, which has the first turn."""
    with Upstream(blobs=hangar.upstream.blobs) as other:
        clock, hops = SystemClock(), [hangar.hop, Hop("http", "127.0.0.1", other.port)]
        attempts = Attempts(Turns(hops, clock), hangar.events.append, lambda: "")
        flight._means = replace(hangar.means, attempts=attempts)
        yield other


def _faults(hangar: Any) -> list[tuple[str, str]]:
    return [(event.hop, event.reason) for event in hangar.events if isinstance(event, UpstreamFailed)]


@pytest.mark.parametrize("failure", [NoSpace("no room"), StorageBroken("creating a file: EIO")])
def test_a_length_without_room_counts_only_where_no_other_upstream_says_a_shorter_one(
    hangar: Any, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    reserve, known = hangar.space.reserve, []

    def not_so_much(size: int, digest: Any) -> Any:
        if size > 1 << 30:
            raise failure
        return reserve(size, digest)

    monkeypatch.setattr(hangar.space, "reserve", not_so_much)

    async def work() -> None:
        flight = flight_of(hangar, SHORT)
        hangar.upstream.always = _says(1 << 50)
        with _beside(hangar, flight) as honest:
            honest.heads_of[str(flight.digest)] = lambda answering: (known.append(flight.total), answering.well())[1]
            await flight.run(asyncio.Semaphore(1))
        assert (flight.state, flight.total, flight.generation) == (State.STORED, len(SHORT), 1)
        assert flight._led_wrong == {hangar.hop}

    hangar.run(work)
    assert known == [None], "no client may hear the length before it is believed"
    assert _faults(hangar) == []


def test_a_blob_without_room_has_the_length_that_is_told_whatever_more_a_liar_beside_says(hangar: Any) -> None:
    hangar.space.limits = Limits(None, len(SHORT) - 1, None, None)

    async def work() -> None:
        flight = flight_of(hangar, SHORT)
        with _beside(hangar, flight) as liar:
            liar.heads_of[str(flight.digest)] = _says(1 << 50)
            await flight.run(asyncio.Semaphore(1))
        assert isinstance(flight.failure, NoSpace)
        assert (flight.total, flight.generation) == (len(SHORT), 0)

    hangar.run(work)
    assert _faults(hangar) == []


def test_a_liar_that_says_a_shorter_length_is_found_out_and_has_no_say_after_that(hangar: Any) -> None:
    hangar.space.limits = Limits(None, len(SHORT) - 1, None, None)

    async def work() -> None:
        flight = flight_of(hangar, SHORT)
        with _beside(hangar, flight) as liar:
            liar.always = liar.heads_of[str(flight.digest)] = _says(70_000)
            await flight.run(asyncio.Semaphore(1))
            assert isinstance(flight.failure, NoSpace)
            assert (flight.total, flight.generation) == (len(SHORT), 2)
            assert [hop for hop, _ in _faults(hangar)] == [liar.url]

    hangar.run(work)


def test_a_single_upstreams_length_is_all_that_can_be_known(hangar: Any) -> None:
    hangar.upstream.always = _says(1 << 50)

    async def work() -> None:
        flight = flight_of(hangar, SHORT)
        await flight.run(asyncio.Semaphore(1))
        assert isinstance(flight.failure, NoSpace)
        assert flight.total == 1 << 50

    hangar.run(work)
    assert [asked.method for asked in hangar.upstream.asked] == ["GET"]


def test_a_volume_that_runs_full_under_a_file_says_nothing_about_the_files_length(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        flight.filling = hangar.filling(DIGEST, len(DATA))

        async def full(leg: Leg, hop: Any, begin: Any) -> None:
            raise NoSpace("writing: ENOSPC")

        flight._fetch = full  # type: ignore[method-assign]
        with _beside(hangar, flight) as other:
            with pytest.raises(NoSpace):
                await flight._fill_by(Leg(0, None, main=True))
            assert other.asked == []

    hangar.run(work)
