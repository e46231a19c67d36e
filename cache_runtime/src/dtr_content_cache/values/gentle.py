"""How work that nobody waits for takes its turns: its thread shares the interpreter with those that answer clients."""

from __future__ import annotations

import time

_RESTS_TIMES = 5  # as long as it had the processor: most answers then never meet it


class Gentle:
    """Of one thread, and made in it. What counts is the processor's time, not the clock's: a disk that lets the thread
    wait lets the others have the interpreter meanwhile."""

    def __init__(self) -> None:
        self._had_s = time.thread_time()

    def rest(self, at_least_s: float = 0.0) -> None:
        """Sleep five times as long as the thread had the processor since it last slept, at least `at_least_s`."""
        time.sleep(max(at_least_s, _RESTS_TIMES * (time.thread_time() - self._had_s)))
        self._had_s = time.thread_time()
