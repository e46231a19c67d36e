"""What a reader sees of a flight: when it waits, what wakes it, what it is told at the end, and who closes the file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from dtr_content_cache.delivery.followed import Followed
from dtr_content_cache.delivery.limits import HOLD_BACK_BYTES
from dtr_content_cache.delivery.means import Passage
from dtr_content_cache.delivery.states import State
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.failures import UpstreamUnavailable, WrongBytes

TOTAL = HOLD_BACK_BYTES + 1000
DIGEST = Digest("0" * 64)


class _File:
    """A filling of which the first `present` bytes are here."""

    def __init__(self, present: int = 0, total: int = TOTAL) -> None:
        self.present, self.total = present, total
        self.progress: Any = None
        self.released = 0

    def run_end(self, position: int) -> int:
        return max(position, self.present)

    def release(self) -> None:
        self.released += 1


class _Flight(Followed):
    def __init__(self, file: _File | None = None) -> None:
        super().__init__(DIGEST, Passage("/v2/first", 100.0), file)  # type: ignore[arg-type]
        self.reached: list[tuple[int, int]] = []
        self.lingered = 0

    def _reach(self, filling: Any, position: int, end: int) -> None:
        self.reached.append((position, end))

    def _linger(self) -> None:
        self.lingered += 1


def _on_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 10))


async def _waits(flight: _Flight, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    assert not task.done()
    return task


@pytest.mark.parametrize(
    ("position", "end", "present", "judged", "verified", "until"),
    [
        (0, 10, 5, True, False, 5),
        (0, 10, 50, True, False, 10),
        (4, 10, 5, False, False, 5),
        (0, TOTAL, TOTAL, True, False, 1000),
        (0, TOTAL, TOTAL, True, True, TOTAL),
        (0, TOTAL, TOTAL, False, False, TOTAL),
        (999, TOTAL, TOTAL, True, False, 1000),
    ],
)
def test_what_is_here_may_be_sent_but_for_the_end_of_what_is_judged(
    position: int, end: int, present: int, judged: bool, verified: bool, until: int
) -> None:
    async def work() -> None:
        file = _File(present)
        flight = _Flight(file)
        flight.state = State.VERIFIED if verified else State.FILLING
        assert await flight.available(position, end, TOTAL, 0, judged=judged) == (file, until)
        assert flight.reached == []

    _on_loop(work)


def test_a_blob_shorter_than_what_is_held_back_waits_for_its_verdict_as_a_whole() -> None:
    async def work() -> None:
        flight = _Flight(_File(10, 10))
        waiting = await _waits(flight, flight.available(0, 10, 10, None, judged=True))
        flight.state = State.VERIFIED
        flight.progress.advance()
        assert (await waiting)[1] == 10
        assert flight.reached == [], "it is here: nobody has to fetch it"

    _on_loop(work)


def test_a_reader_of_a_missing_byte_says_so_each_time_that_it_looks() -> None:
    async def work() -> None:
        file = _File(5)
        flight = _Flight(file)
        waiting = await _waits(flight, flight.available(5, 9, TOTAL, None, judged=False))
        flight.progress.advance()
        for _ in range(3):
            await asyncio.sleep(0)
        assert flight.reached == [(5, 9), (5, 9)]
        file.present = 7
        flight.progress.advance()
        assert (await waiting)[1] == 7

    _on_loop(work)


def test_a_reader_before_there_is_a_file_waits_and_asks_for_nothing() -> None:
    async def work() -> None:
        flight = _Flight()
        waiting = await _waits(flight, flight.available(0, 9, TOTAL, None, judged=False))
        assert flight.reached == []
        flight.filling = _File(9)  # type: ignore[assignment]
        flight.progress.advance()
        assert (await waiting)[1] == 9

    _on_loop(work)


@pytest.mark.parametrize(("sent", "now", "cut"), [(None, 1, False), (0, 0, False), (1, 1, False), (0, 1, True)])
def test_only_who_has_sent_bytes_of_another_start_is_cut(sent: int | None, now: int, cut: bool) -> None:
    async def work() -> None:
        flight = _Flight(_File(9))
        flight.generation = now
        if cut:
            with pytest.raises(WrongBytes, match="sent before"):
                await flight.available(0, 9, TOTAL, sent, judged=False)
        else:
            assert (await flight.available(0, 9, TOTAL, sent, judged=False))[1] == 9

    _on_loop(work)


def test_who_was_told_another_length_is_cut() -> None:
    async def work() -> None:
        with pytest.raises(WrongBytes, match="length"):
            await _Flight(_File(9)).available(0, 9, TOTAL + 1, None, judged=False)

    _on_loop(work)


def test_what_is_here_is_sent_before_a_failure_is_told() -> None:
    async def work() -> None:
        flight = _Flight(_File(5))
        flight.failure = UpstreamUnavailable("away")
        assert (await flight.available(0, 9, TOTAL, None, judged=False))[1] == 5
        with pytest.raises(UpstreamUnavailable):
            await flight.available(5, 9, TOTAL, None, judged=False)
        assert flight.reached == []

    _on_loop(work)


def test_the_length_is_told_when_it_is_known_whatever_went_wrong_after_that() -> None:
    async def work() -> None:
        flight = _Flight()
        waiting = await _waits(flight, flight.known_total())
        flight.total, flight.failure = 7, UpstreamUnavailable("away")
        flight.progress.advance()
        assert await waiting == await flight.known_total() == 7
        flight.total = None
        with pytest.raises(UpstreamUnavailable):
            await flight.known_total()

    _on_loop(work)


def test_a_parked_file_is_gone_on_with_its_length_and_tells_the_readers() -> None:
    async def work() -> None:
        file = _File(5)
        flight = _Flight(file)
        assert (flight.total, flight.filling, file.progress) == (TOTAL, file, flight.progress)

    _on_loop(work)


def test_the_passage_that_lasts_longest_is_kept() -> None:
    async def work() -> None:
        flight = _Flight()
        for target, expires_s in (("shorter", 50.0), ("equal", 100.0), ("longer", 200.0), ("between", 150.0)):
            flight.join(Passage(target, expires_s))
        assert (flight._passage.target, flight.readers) == ("longer", 4)

    _on_loop(work)


@pytest.mark.parametrize(
    ("state", "readers", "lingers"),
    [(State.FILLING, 1, 1), (State.FILLING, 2, 0), (State.WAITING, 1, 0), (State.VERIFIED, 1, 0)],
)
def test_a_flight_that_fills_lingers_when_its_last_reader_leaves(state: State, readers: int, lingers: int) -> None:
    async def work() -> None:
        flight = _Flight()
        flight.state, flight.readers = state, readers
        flight.leave()
        assert (flight.lingered, flight.readers) == (lingers, readers - 1)

    _on_loop(work)


@pytest.mark.parametrize("lands_first", [True, False])
def test_the_file_is_let_go_once_when_the_flight_is_over_and_the_last_reader_has_left(lands_first: bool) -> None:
    async def work() -> None:
        file = _File(5)
        flight = _Flight(file)
        flight.readers = 1
        ends = [flight.land, flight.leave]
        for number, end in enumerate(ends if lands_first else ends[::-1]):
            end()
            assert file.released == number
        flight.land()
        assert (file.released, flight.filling) == (1, None)

    _on_loop(work)


@pytest.mark.parametrize("end", [State.STORED, State.FAILED])
def test_whoever_waits_for_the_end_is_told_of_it_and_of_nothing_before(end: State) -> None:
    async def work() -> None:
        flight = _Flight()
        waiting = await _waits(flight, flight.landed())
        for state in (State.FILLING, State.VERIFIED):
            flight.state = state
            flight.progress.advance()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not waiting.done()
        flight.state = end
        flight.progress.advance()
        await waiting
        await flight.landed()

    _on_loop(work)


@pytest.mark.parametrize("state", list(State))
def test_bytes_are_judged_right_from_the_verdict_on(state: State) -> None:
    async def work() -> None:
        flight = _Flight()
        flight.state = state
        assert flight.verified is (state in (State.VERIFIED, State.STORED))

    _on_loop(work)


def test_what_is_followed_says_itself_what_reaching_and_lingering_mean_and_has_no_upstream_at_first() -> None:
    async def work() -> None:
        flight = Followed(DIGEST, Passage("/v2/first", 100.0), None)
        assert (flight.hop, flight.generation, flight.readers, flight.total) == ("", 0, 0, None)
        with pytest.raises(NotImplementedError):
            flight._linger()
        with pytest.raises(NotImplementedError):
            flight._reach(_File(), 0, 1)  # type: ignore[arg-type]

    _on_loop(work)
