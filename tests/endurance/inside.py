"""What a campaign changes in a living cache: the wall clock as it reads it, and how long clients may keep it waiting.

In the nursery's child. A change is written beside the cache's log and told by SIGUSR1; the file is gone when the change
is made. Rule for editors: only what cannot be reached from outside, because it would move the whole machine's clock or
take minutes of waiting.
"""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from dtr_content_cache.web import connection

_REAL_TIME = time.time
_REAL_PATIENCE = {name: getattr(connection, name) for name in ("IDLE_TIMEOUT_S", "STALLED_CLIENT_S")}


def change_path(log: Path) -> Path:
    return log.with_suffix(".change")


def install(log: Path) -> None:
    """From now on, in this process."""

    def change(*_: object) -> None:
        path = change_path(log)
        wanted = json.loads(path.read_text(encoding="ascii"))
        for name, value in wanted.items():
            _CHANGES[name](value)
        path.unlink()

    signal.signal(signal.SIGUSR1, change)


def _step_clock(ahead_s: float) -> None:
    """So far ahead of the machine's; 0 sets it right."""
    time.time = lambda: _REAL_TIME() + ahead_s


def _bound_patience(at_most_s: float | None) -> None:
    """With clients that are idle or do not take their answer; None gives back what they are promised."""
    for name, real_s in _REAL_PATIENCE.items():
        setattr(connection, name, real_s if at_most_s is None else min(real_s, at_most_s))


_CHANGES = {"ahead_s": _step_clock, "patience_s": _bound_patience}
