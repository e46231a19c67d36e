"""A task whose first step is taken at once, not at the loop's next turn.

Python 3.12 has eager tasks; this is that for 3.11, as far as a flight needs it. Rule for editors: the first step runs
within whatever task called, so up to its first wait the work must not ask for its own task: no `asyncio.timeout`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


def begun_at_once(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """On the loop. What `work` raises in its first step is the task's, too."""
    return asyncio.get_running_loop().create_task(_Begun(work))


class _Begun(Coroutine[Any, Any, None]):
    """`work` after its first step: the first `send` gives what that step gave."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work
        self._waits_for: Any = None
        self._end: BaseException | None = None
        self._told = False
        try:
            self._waits_for = work.send(None)
        except BaseException as end:
            self._end = end

    def send(self, value: Any) -> Any:
        if self._told:
            return self._work.send(value)
        self._told = True
        if self._end is not None:
            raise self._end
        return self._waits_for

    def throw(self, *thrown: Any) -> Any:
        if not self._told:
            self._told = True
            if self._end is not None:
                raise self._end  # it was over before anybody could cancel it
            if self._waits_for is not None:
                self._waits_for.cancel()  # as its task would have, had it heard of it: a lock looks at that
        return self._work.throw(*thrown)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, None]:
        raise NotImplementedError("only a task awaits it")
