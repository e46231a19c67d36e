"""asyncio's own loop, with a shorter way for clients' descriptors, which are most of what it hears of.

Between `epoll` and a callback the loop makes and queues a handle for every event, and Tornado looks the stream up once
more: a third of what a small hit costs. So a stream may register here what is called as soon as `epoll` has named its
descriptor. Rule for editors: the loop hears of everything that was not dealt with here.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, TypeVar

Result = TypeVar("Result")
Ready = tuple[selectors.SelectorKey, int]


class EarlyLoop(asyncio.SelectorEventLoop):
    """`looks`: by descriptor, what is called when there is input; True: nobody else need hear of it. Exceptions are
    told like those of any callback. Raise OSError where the kernel has no descriptor or memory for it."""

    _closed = True  # until there is one: asyncio closes in the end what says that it is open

    def __init__(self) -> None:
        self.looks: dict[int, Callable[[], bool]] = {}
        self._pushes: dict[int, Callable[[], None]] = {}
        self._early = _Selector(self._left)
        try:
            super().__init__(self._early)
        except OSError:
            self._closed = True
            self._early.close()
            raise

    def push_when_writable(self, fd: int, push: Callable[[], None]) -> None:
        """Call `push` whenever `fd` takes bytes, until `stop_pushing`. Raise OSError where the kernel cannot tell."""
        try:
            key = self._early.get_key(fd)
        except KeyError:
            self._early.register(fd, EVENT_WRITE, (None, None))  # as the loop keeps them: a reader, a writer
        else:
            self._early.modify(fd, key.events | EVENT_WRITE, key.data)
        self._pushes[fd] = push

    def stop_pushing(self, fd: int) -> None:
        if self._pushes.pop(fd, None) is None:
            return
        key = self._early.get_key(fd)
        if key.events == EVENT_WRITE:
            self._early.unregister(fd)
        else:
            self._early.modify(fd, EVENT_READ, key.data)

    def _left(self, found: list[Ready]) -> list[Ready]:
        """Call whoever is registered; what is left of `found` is the loop's."""
        left, looks, pushes = [], self.looks, self._pushes
        for ready in found:
            key, events = ready
            if events & EVENT_WRITE and (push := pushes.get(key.fd)) is not None:
                self._called(push)
                events &= ~EVENT_WRITE
            if events & EVENT_READ and (look := looks.get(key.fd)) is not None and self._called(look):
                events &= ~EVENT_READ
            if events:
                left.append(ready if events == ready[1] else (key, events))
        return left

    def _called(self, what: Callable[[], bool | None]) -> bool:
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


class _Selector(selectors.DefaultSelector):
    def __init__(self, left: Callable[[list[Ready]], list[Ready]]) -> None:
        super().__init__()
        self._left = left

    def select(self, timeout: float | None = None) -> list[Ready]:
        return self._left(super().select(timeout))
