"""What the libraries log (Tornado about a client's bad TLS, asyncio about a bug of ours) becomes lines of our own log.

Owns the way from Python's logging to ours; how a line looks is `formatting`. Rule for editors: a log line in another
format than the configured one breaks whoever reads the log by machine, so nothing may go round this.
"""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop
from collections.abc import Mapping
from typing import Protocol

from .formatting import Value


class Say(Protocol):
    def __call__(self, level: str, message: str, fields: Mapping[str, Value] | None = None) -> None: ...


class LibraryLogs(logging.Handler):
    """Add it to the root logger. From any thread; `say` is called on `loop`."""

    def __init__(self, say: Say, loop: AbstractEventLoop) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Value] = {"library": record.name}
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        try:
            self._loop.call_soon_threadsafe(self._say, _level(record), record.getMessage(), fields)
        except RuntimeError:
            pass  # the loop has ended: nobody listens any more


def _level(record: logging.LogRecord) -> str:
    if record.levelno >= logging.ERROR:
        return "error"
    # Tornado's warnings are about what clients do: whoever scans the port must not fill the log.
    return "debug" if record.name.startswith("tornado") else "warn"
