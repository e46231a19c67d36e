"""asyncio's own loop, with a shorter way for clients' descriptors, which are most of what it hears of.

Between `epoll` and a callback the loop makes and queues a handle for every event, and Tornado looks the stream up once
more: a third of what a small hit costs. So a stream may register here what is called as soon as `epoll` has named its
descriptor. Where nothing else has come up, `epoll` is asked again without a turn of the loop, which costs as much as
the answer itself.

Rule for editors: the loop hears of everything that was not dealt with here, and has its turn as soon as anybody wants
one.
"""

from __future__ import annotations

import asyncio
import os
import select
import selectors
import time
from asyncio import Handle, TimerHandle
from collections.abc import Callable, Coroutine
from contextvars import Context
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, TypeVar, TypeVarTuple

Result = TypeVar("Result")
Args = TypeVarTuple("Args")
Ready = tuple[selectors.SelectorKey, int]

# Told only to who asked for it; all else is an error or an end, which concerns whoever is there.
_PLAIN = {select.EPOLLIN: EVENT_READ, select.EPOLLOUT: EVENT_WRITE}
_EVENTS_A_LOOK = 256
_NO_LONGER_S = 3600.0  # than this at a time: epoll takes no more than some days


class EarlyLoop(asyncio.SelectorEventLoop):
    """`looks`: by descriptor, what is called when there is input; True: nobody else need hear of it. Exceptions are
    told like those of any callback. Raise OSError where the kernel has no descriptor or memory for it."""

    _closed = True  # until there is one: asyncio closes in the end what says that it is open

    def __init__(self) -> None:
        self.looks: dict[int, Callable[[], bool]] = {}
        self.pushes: dict[int, Callable[[], None]] = {}
        self.wanted = False  # somebody has given the loop something to do since `epoll` was asked
        self._early = _Selector(self)
        try:
            super().__init__(self._early)
        except OSError:
            self._closed = True
            self._early.close()
            raise

    def call_soon(
        self, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> Handle:
        self.wanted = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> TimerHandle:
        self.wanted = True
        return super().call_at(when, callback, *args, context=context)

    def push_when_writable(self, fd: int, push: Callable[[], None]) -> None:
        """Call `push` whenever `fd` takes bytes, until `stop_pushing`. Raise OSError where the kernel cannot tell."""
        try:
            key = self._early.get_key(fd)
        except KeyError:
            self._early.register(fd, EVENT_WRITE, (None, None))  # as the loop keeps them: a reader, a writer
        else:
            self._early.modify(fd, key.events | EVENT_WRITE, key.data)
        self.pushes[fd] = push

    def stop_pushing(self, fd: int) -> None:
        if self.pushes.pop(fd, None) is None:
            return
        key = self._early.get_key(fd)
        if key.events == EVENT_WRITE:
            self._early.unregister(fd)
        else:
            self._early.modify(fd, EVENT_READ, key.data)

    def early(self, what: Callable[[], bool | None]) -> bool:
        """Call `what`; is it dealt with?"""
        try:
            return bool(what())
        except Exception as error:
            self.call_exception_handler({"message": "an early callback failed", "exception": error})
            return False


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """As asyncio.run, on an EarlyLoop. Raise OSError where there can be no loop."""
    try:
        with asyncio.Runner(loop_factory=EarlyLoop) as runner:
            return runner.run(main)
    finally:
        main.close()  # which never began where there is no loop: Python would complain


def early_loop() -> EarlyLoop:
    """The running one. Raise TypeError where another kind of loop runs: clients' streams need this one."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, EarlyLoop):
        raise TypeError(f"found {type(loop).__name__} running, wanted EarlyLoop")
    return loop


class _Selector(selectors.EpollSelector):
    def __init__(self, loop: EarlyLoop) -> None:
        super().__init__()
        self._loop = loop
        try:
            self._epoll = select.epoll.fromfd(os.dup(self.fileno()))  # the same, to be asked without detours
        except OSError:
            super().close()
            raise

    def select(self, timeout: float | None = None) -> list[Ready]:
        """What is left for the loop, as soon as there is any, it has something to do, or the time is over."""
        loop, poll = self._loop, self._epoll.poll
        loop.wanted = False
        left_s = _NO_LONGER_S if timeout is None else min(timeout, _NO_LONGER_S)
        end_s = time.monotonic() + left_s if left_s > 0 else 0.0
        while True:
            try:
                found = poll(max(0.0, left_s), _EVENTS_A_LOOK)
            except InterruptedError:
                return []
            left = self._left(found)
            if left or loop.wanted or not found:
                return left
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return left

    def _left(self, found: list[tuple[int, int]]) -> list[Ready]:
        """Call whoever is registered; what is left of `found` is the loop's."""
        left: list[Ready] = []
        looks, pushes, early = self._loop.looks, self._loop.pushes, self._loop.early
        for fd, event in found:
            events = _PLAIN.get(event) or self._asked_for(fd)
            if events & EVENT_WRITE and (push := pushes.get(fd)) is not None:
                early(push)
                events &= ~EVENT_WRITE
            if events & EVENT_READ and (look := looks.get(fd)) is not None and early(look):
                events &= ~EVENT_READ
            if events and (asked := events & self._asked_for(fd)):
                left.append((self.get_key(fd), asked))
        return left

    def _asked_for(self, fd: int) -> int:
        """Nothing, where whoever asked has ended it meanwhile."""
        try:
            return self.get_key(fd).events
        except KeyError:
            return 0

    def close(self) -> None:
        self._epoll.close()
        super().close()
