"""How a thread that moves bytes wakes the readers that wait for them on the loop."""

from __future__ import annotations

import asyncio
import threading

from .limits import HANDED_OVER_WITHIN_S


class Progress:
    """`advance` from any thread; `changed` on the loop. Wake-ups that come faster than the loop turns are one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiters: list[asyncio.Future[None]] = []
        self._scheduled = False

    def advance(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                pass  # the loop is closed: nobody waits any more

    def hand_over(self) -> None:
        """`advance`, and wait until the readers have had their turn. Not on the loop.

        A thread that goes on at once takes the interpreter's lock back before the loop has woken up to ask for it,
        again and again, until one of its calls lasts long enough: a millisecond, where a client waits for its first
        byte.
        """
        self.advance()
        served = threading.Event()
        try:
            # Behind those that `_wake` wakes: the loop calls in the order in which it was asked to.
            self._loop.call_soon_threadsafe(self._loop.call_soon, served.set)
        except RuntimeError:
            return
        served.wait(HANDED_OVER_WITHIN_S)

    def _wake(self) -> None:
        self._scheduled = False
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def changed(self) -> asyncio.Future[None]:
        """Done at the next advance after this call. Look at the state after calling this, then await."""
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        return waiter
