"""A task that is begun at once is like any other, but for when its first step is taken."""

from __future__ import annotations

import asyncio

import pytest
from dtr_content_cache.delivery.at_once import _Begun, begun_at_once


class _Work:
    """Notes how far it has come; waits for `gate` twice, and says how the second wait ended."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.gates = [asyncio.get_running_loop().create_future() for _ in range(2)]

    async def run(self) -> None:
        self.steps.append("begun")
        try:
            await self.gates[0]
            self.steps.append("between")
            await self.gates[1]
        except ValueError as error:
            self.steps.append(f"told {error}")
        except asyncio.CancelledError:
            self.steps.append("cancelled")
            raise
        self.steps.append("ended")


def test_its_first_step_is_taken_before_anybody_else_has_a_turn() -> None:
    async def scene() -> None:
        work, others = _Work(), []
        asyncio.get_running_loop().call_soon(others.append, "another")
        task = begun_at_once(work.run())

        assert (work.steps, others, task.done()) == (["begun"], [], False)
        for gate in work.gates:
            gate.set_result(None)
        await task
        assert work.steps == ["begun", "between", "ended"]

    asyncio.run(scene())


def test_what_its_waits_end_with_reaches_it() -> None:
    async def scene() -> None:
        work = _Work()
        task = begun_at_once(work.run())
        work.gates[0].set_result(None)
        work.gates[1].set_exception(ValueError("so"))
        await task

        assert work.steps == ["begun", "between", "told so", "ended"]

    asyncio.run(scene())


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_it_can_be_cancelled_at_any_time_and_notices(turns: int) -> None:
    async def scene() -> None:
        work = _Work()
        task = begun_at_once(work.run())
        work.gates[0].set_result(None)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert task.cancelled()
        assert work.steps[-1] == "cancelled"

    asyncio.run(scene())


def test_work_that_only_lets_others_have_their_turn_can_be_cancelled_then() -> None:
    async def scene() -> None:
        steps: list[str] = []

        async def work() -> None:
            steps.append("begun")
            await asyncio.sleep(0)
            steps.append("went on")

        task = begun_at_once(work())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert steps == ["begun"]

    asyncio.run(scene())


def test_work_that_never_waits_is_done_and_what_it_raises_is_the_tasks() -> None:
    steps: list[str] = []

    async def simple() -> None:
        steps.append("done")

    async def wrong() -> None:
        raise LookupError("first step")

    async def scene() -> None:
        task = begun_at_once(simple())
        assert steps == ["done"]
        await task
        with pytest.raises(LookupError, match="first step"):
            await begun_at_once(wrong())

    asyncio.run(scene())


def test_who_is_cancelled_while_it_queues_gives_back_no_place_that_it_never_had() -> None:
    async def queue(places: asyncio.Semaphore) -> None:
        async with places:
            raise AssertionError("there was no place")

    async def scene() -> None:
        places = asyncio.Semaphore(1)
        await places.acquire()
        task = begun_at_once(queue(places))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert places.locked()

    asyncio.run(scene())


@pytest.mark.parametrize("error", [None, LookupError("first step")])
def test_work_that_was_over_at_once_cannot_be_cancelled_any_more(error: Exception | None) -> None:
    async def simple() -> None:
        if error is not None:
            raise error

    async def scene() -> None:
        task = begun_at_once(simple())
        task.cancel()
        assert await asyncio.gather(task, return_exceptions=True) == [error]

    asyncio.run(scene())


def test_it_is_awaited_as_a_task_only() -> None:
    async def scene() -> None:
        await _Begun(asyncio.sleep(0))

    with pytest.raises(NotImplementedError):
        asyncio.run(scene())


def test_work_that_is_closed_before_its_task_runs_cleans_up() -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            steps.append("cleaned up")

    begun = work()
    _Begun(begun).close()
    assert steps == ["cleaned up"]


def test_work_that_outlives_a_cancellation_goes_on_with_what_it_waits_for_next() -> None:
    async def scene() -> None:
        first, second = (asyncio.get_running_loop().create_future() for _ in range(2))

        async def stubborn() -> str:
            try:
                await first
            except asyncio.CancelledError:
                steps.append(await second)

        task = begun_at_once(stubborn())
        task.cancel()
        await asyncio.sleep(0)
        second.set_result("ended")
        await task

    steps: list[str] = []
    asyncio.run(scene())
    assert steps == ["ended"]
