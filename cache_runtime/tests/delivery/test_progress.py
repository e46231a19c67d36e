"""A thread's word to the readers on the loop, and the turn that it lets them have."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from dtr_content_cache.delivery import progress as module
from dtr_content_cache.delivery.progress import Progress


def test_readers_have_acted_on_the_first_bytes_when_their_thread_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANDED_OVER_WITHIN_S", 30.0)  # a busy machine may give the loop no turn for a while

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        progress, done = Progress(loop), []

        async def reader(number: int) -> None:
            await progress.changed()
            done.append(number)

        def thread() -> list[int]:
            progress.hand_over()
            return list(done)

        readers = [loop.create_task(reader(number)) for number in range(32)]
        await asyncio.sleep(0)
        seen = await loop.run_in_executor(None, thread)
        await asyncio.gather(*readers)
        assert seen == list(range(32))

    asyncio.run(scene())


def test_a_loop_that_has_no_turn_to_give_holds_the_thread_up_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HANDED_OVER_WITHIN_S", 0.01)
    loop = asyncio.new_event_loop()  # nobody runs it
    thread = threading.Thread(target=Progress(loop).hand_over)
    thread.start()
    thread.join(5)
    still_there = thread.is_alive()
    loop.close()

    assert not still_there


def test_a_closed_loop_holds_nobody_up() -> None:
    loop = asyncio.new_event_loop()
    progress = Progress(loop)
    loop.close()

    progress.hand_over()
    progress.advance()


class _Loop:
    """Notes what it is asked to call."""

    def __init__(self) -> None:
        self.asked: list[Callable[[], None]] = []

    def call_soon_threadsafe(self, call: Callable[[], None]) -> None:
        self.asked.append(call)


def test_wake_ups_that_come_before_the_loop_has_turned_are_one_and_later_ones_another() -> None:
    loop = _Loop()
    progress = Progress(loop)  # type: ignore[arg-type]
    progress.advance()
    progress.advance()
    assert len(loop.asked) == 1
    loop.asked.pop()()
    progress.advance()
    assert len(loop.asked) == 1


def test_nobody_waits_for_a_loop_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    waits: list[object] = []
    monkeypatch.setattr(threading.Event, "wait", lambda *what: waits.append(what))
    Progress(loop).hand_over()

    assert waits == []
