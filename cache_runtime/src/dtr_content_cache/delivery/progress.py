"""How a thread that moves bytes wakes the readers that wait for them on the loop."""

from __future__ import annotations

import asyncio


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
