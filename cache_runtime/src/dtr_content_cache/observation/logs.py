"""The two logs: what the program has to say (stderr) and what it answered (stdout).

Owns which event goes where and at which level; how a line looks is `formatting` and `access_log`, what it says is
`sentences`, how it leaves is `outlet`. Rule for editors: a log never raises and never waits. Event loop only.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping

from ..settings.model import Log
from ..values.clock import Clock
from ..values.events import Event, RequestServed
from .access_log import access_line
from .formatting import LEVELS, Value, format_line
from .outlet import Outlet
from .sentences import Sentence, sentence


class Logs:
    """`app` and `access` are the outlets for stderr and stdout; several logs may share them across a reload. `lately`
    is told every event but the answered requests, with what it says."""

    lately: Callable[[Event, Sentence | None], None] | None = None

    def __init__(self, log: Log, clock: Clock, app: Outlet, access: Outlet) -> None:
        self._clock = clock
        self._app, self._access = app, access
        app.notice = access.notice = self._dropped
        self.use(log)

    def use(self, log: Log) -> None:
        """Level, format and fields of `log` from now on."""
        self._log = log
        self._threshold = LEVELS[log.level]
        self._fields: dict[str, Value] = dict(log.fields)

    def use_loop(self, loop: AbstractEventLoop | None) -> None:
        """Let both outlets gather the lines of a moment and write them from `loop`; None: no longer."""
        self._app.use_loop(loop)
        self._access.use_loop(loop)

    def hear(self, event: Event) -> None:
        if type(event) is RequestServed:
            if self._log.access_log:
                self._access.write(access_line(event, self._clock.wall(), self._log.formatter, self._log.fields))
            return
        said = sentence(event)
        if self.lately is not None:
            self.lately(event, said)
        if said is not None:
            self.say(said.level, said.message, said.fields)

    def say(self, level: str, message: str, fields: Mapping[str, Value] | None = None) -> None:
        """A line of the application log, if `level` (error, warn, info, debug) is worth it."""
        if LEVELS[level] <= self._threshold:
            self._app.write(self._line(level, message, fields or {}))

    def flush(self) -> None:
        """Before the end: write what can be written without waiting."""
        self._app.flush()
        self._access.flush()

    def _line(self, level: str, message: str, fields: Mapping[str, Value]) -> str:
        # The operator's fields first, so that an event's own field of the same name is the one that counts.
        return format_line(self._log.formatter, self._clock.wall(), level, message, self._fields | dict(fields))

    def _dropped(self, lines: int) -> str:
        return self._line("warn", "log lines were dropped because nobody read them", {"lines": lines})
