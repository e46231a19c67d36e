"""How a flight ends: stored, right and not stored, empty, refused, stopped, or by a bug; and who hears of it."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from doubles.flights import DATA, DIGEST, MIB, flight_of, until
from doubles.upstream import Answering, cut_after, hold_after, status
from dtr_content_cache.delivery.flight import Flight
from dtr_content_cache.delivery.means import Passage
from dtr_content_cache.delivery.states import State
from dtr_content_cache.upstream.response_head import HopFailed
from dtr_content_cache.values.events import Fault, FillEnded, FillResumed, FillStarted, StorageTrouble, UpstreamFailed
from dtr_content_cache.values.failures import Failure, NoSpace, StorageBroken, UpstreamDenied, UpstreamUnavailable


def test_a_flight_that_is_cancelled_aborts_its_thread_and_its_file_closes_with_the_last_user(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        hangar.upstream.always = hold_after(MIB)
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        await until(lambda: flight.filling is not None and flight.filling.run_end(0) == MIB)
        filling = flight.filling
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        filling.drop()  # type: ignore[union-attr]
        flight.land()
        assert filling.fd >= 0  # type: ignore[union-attr]
        flight.leave()
        await until(lambda: filling.fd == -1)  # type: ignore[union-attr]

    hangar.run(work)


def test_the_file_of_a_failed_flight_stays_open_for_a_reader_that_is_slow_to_notice(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
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
        flight = flight_of(hangar)
        hangar.exchanges.open = lambda *_: 1 / 0
        await flight.run(asyncio.Semaphore(1))

        with pytest.raises(UpstreamUnavailable):
            await flight.known_total()
        [fault] = [event for event in hangar.events if isinstance(event, Fault)]
        assert "ZeroDivisionError" in fault.traceback
        assert [event.outcome for event in hangar.events if isinstance(event, FillEnded)] == ["failed"]

    hangar.run(work)


def test_a_grant_that_is_refused_while_a_longer_one_has_come_is_not_the_last_word(hangar: Any) -> None:
    def refuses_late(answering: Answering) -> None:
        answering.upstream.release.wait(10)
        answering.head("403 Forbidden", Content_Length=0)

    async def work() -> None:
        flight = flight_of(hangar, expires_s=500.0)
        hangar.upstream.faults = [refuses_late]
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        await until(lambda: hangar.upstream.blob_requests())
        flight.join(Passage(f"/v2/org/app/blobs/{DIGEST}?grant=longer", 1000.0))
        hangar.upstream.release.set()
        await running

        assert flight.state is State.STORED
        assert [asked.query for asked in hangar.upstream.blob_requests()] == ["", "grant=longer"]

    hangar.run(work)


def test_a_blob_that_an_upstream_calls_empty_is_not_believed_to_be(hangar: Any) -> None:
    hangar.upstream.faults = [lambda answering: answering.head("200 OK", Content_Length=0)]

    async def work() -> None:
        flight = flight_of(hangar, DATA[:1000])
        await flight.run(asyncio.Semaphore(1))
        assert (flight.state, flight.total) == (State.STORED, 1000)

    hangar.run(work)
    assert [event.reason for event in hangar.events if isinstance(event, UpstreamFailed)] == [
        "it says the blob is empty, which its digest denies"
    ]


def test_the_empty_blob_itself_is_stored(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar, b"")
        await flight.run(asyncio.Semaphore(1))
        assert (flight.state, flight.total) == (State.STORED, 0)

    hangar.run(work)


def test_what_became_of_a_fill_is_told_once_with_what_it_cost(hangar: Any) -> None:
    hangar.upstream.faults = [cut_after(MIB)]

    async def work() -> None:
        flight = flight_of(hangar)
        await flight.run(asyncio.Semaphore(1))
        assert flight.hop == hangar.hop.url

    hangar.run(work)
    [started] = [event for event in hangar.events if isinstance(event, FillStarted)]
    [resumed] = [event for event in hangar.events if isinstance(event, FillResumed)]
    [ended] = [event for event in hangar.events if isinstance(event, FillEnded)]
    assert (started.repository, started.total_bytes) == ("org/app", len(DATA))
    assert resumed.offset == MIB
    assert (ended.outcome, ended.upstream_bytes, ended.reason) == ("stored", len(DATA), "")
    assert 0 <= ended.seconds < 30


def test_a_refusal_of_the_only_grant_is_the_readers_to_know(hangar: Any) -> None:
    hangar.upstream.always = status("403 Forbidden")

    async def work() -> None:
        flight = flight_of(hangar, DATA[:1000])
        await flight.run(asyncio.Semaphore(1))
        assert isinstance(flight.failure, UpstreamDenied)

    hangar.run(work)


@pytest.mark.parametrize("failure", [NoSpace("storing: ENOSPC"), None])
def test_a_blob_that_is_right_and_cannot_be_stored_is_still_its_readers(hangar: Any, failure: NoSpace | None) -> None:
    keep, released = hangar.store.keep, []

    def store(unfinished: Any, clock: Any) -> Any:
        if failure is not None:
            raise failure
        return keep(unfinished, clock)

    hangar.store.keep = store

    async def work() -> None:
        flight = flight_of(hangar, DATA[:1000])
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        while flight.filling is None:
            await asyncio.sleep(0)
        release = flight.filling.reservation.release
        flight.filling.reservation.release = lambda *, stored: released.append(stored) or release(stored=stored)  # type: ignore[method-assign]
        await running
        assert (flight.state, flight.verified, flight.failure) == (State.STORED, True, None)

    hangar.run(work)
    [ended] = [event for event in hangar.events if isinstance(event, FillEnded)]
    assert (ended.outcome, ended.reason) == (("not-stored", str(failure)) if failure else ("stored", ""))
    troubles = [(event.operation, event.reason) for event in hangar.events if isinstance(event, StorageTrouble)]
    assert troubles == ([("storing", str(failure))] if failure else [])
    assert released == [failure is None]
    assert (hangar.space._pledged, hangar.space._unwritten) == (0, 0)


@pytest.mark.parametrize("failure", [NoSpace("no room"), StorageBroken("creating a file: EIO")])
def test_a_blob_for_which_the_volume_has_no_file_is_told_as_not_stored(hangar: Any, failure: Failure) -> None:
    def refuse(*what: Any) -> Any:
        raise failure

    hangar.space.reserve = refuse

    async def work() -> None:
        flight = flight_of(hangar, DATA[:1000])
        await flight.run(asyncio.Semaphore(1))
        assert (flight.state, flight.failure) == (State.FAILED, failure)

    hangar.run(work)
    [ended] = [event for event in hangar.events if isinstance(event, FillEnded)]
    assert (ended.outcome, ended.reason) == ("not-stored", str(failure))


def test_a_flight_that_is_stopped_says_so(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        hangar.upstream.always = hold_after(MIB)
        running = asyncio.create_task(flight.run(asyncio.Semaphore(1)))
        await until(lambda: flight.filling is not None and flight.filling.run_end(0) == MIB)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (flight.state, str(flight.failure), flight._main) == (State.FAILED, "stopping", None)

    hangar.run(work)
    [ended] = [event for event in hangar.events if isinstance(event, FillEnded)]
    assert (ended.outcome, ended.upstream_bytes, ended.reason) == ("failed", MIB, "stopping")


def test_a_failure_once_the_bytes_are_right_leaves_them_right(hangar: Any) -> None:
    async def work() -> None:
        flight = flight_of(hangar)
        flight.state = State.VERIFIED
        flight._fail(UpstreamUnavailable("stopping"))
        assert flight.verified

    hangar.run(work)


@pytest.mark.parametrize(
    ("total", "digest", "refusal"),
    [
        (0, DIGEST, "denies"),
        (0, "sha256:" + hashlib.sha256(b"").hexdigest(), None),
        (1, "sha256:" + hashlib.sha256(b"").hexdigest(), None),
    ],
)
def test_only_the_empty_blob_is_begun_as_empty(hangar: Any, total: int, digest: str, refusal: str | None) -> None:
    async def work() -> None:
        flight = Flight(hangar.means, hangar.address(digest), hangar.passage(digest), None)
        if refusal is not None:
            with pytest.raises(HopFailed, match=refusal):
                flight._begin(total, hangar.hop)
            return
        filling = flight._begin(total, hangar.hop)
        assert (flight.filling, flight.total, filling.total, filling.told_by) == (filling, total, total, hangar.hop)
        assert filling.progress is flight.progress
        assert flight._begin(total, hangar.hop) is filling
        assert not flight._disputed
        with pytest.raises(HopFailed, match=f"{total + 1} bytes, another said {total}"):
            flight._begin(total + 1, hangar.hop)
        assert flight._disputed

    hangar.run(work)
    started = [event for event in hangar.events if isinstance(event, FillStarted)]
    assert len(started) == (refusal is None)


@pytest.mark.parametrize("at_hand", [True, False, None])
@pytest.mark.parametrize("later", [True, False])
def test_the_verdict_is_that_at_hand_or_else_that_of_hashing_the_rest(
    hangar: Any, at_hand: bool | None, later: bool
) -> None:
    async def work() -> None:
        flight, filling = flight_of(hangar), hangar.filling(DIGEST, len(DATA))
        filling.verdict_at_hand, filling.verdict = (lambda: at_hand), (lambda: later)
        assert await flight._is_right(filling) is (later if at_hand is None else at_hand)

    hangar.run(work)
