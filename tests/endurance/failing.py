"""A whole cache in which the Nth call on the volume goes wrong, once or from then on: in the nursery's child.

Owns the counting over all calls of storage's seam and the few by which open files are sent from (campaigns/seam.py
proves that there are no others). SIGUSR2 ends the fault: the disk is well again. Rule for editors: every call counts,
from the first of the start on, so that each N is another moment of a cache's life.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from doubles.files import CALLS, SHORT_WRITE
from dtr_content_cache.storage.files import Files
from dtr_content_cache.web import parcel

ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EMFILE", "EACCES", "EROFS", "EINTR", "short write")


class _Countdown:
    """Thread-safe: is this call the one that fails?"""

    def __init__(self, nth: int, *, forever: bool) -> None:
        self._nth, self._forever = nth, forever
        self._calls = 0
        self._lock = threading.Lock()
        self.failed = 0

    def due(self) -> bool:
        with self._lock:
            self._calls += 1
            due = self._calls == self._nth or (self._forever and self._calls > self._nth)
            if due:
                self.failed += 1
                if self.failed == 1:
                    print(f"fault: call {self._calls} went wrong", flush=True)
            return due

    def end(self, *_: object) -> None:
        with self._lock:
            self._nth, self._forever = 0, False


def install(nth: int, error: str, *, forever: bool) -> None:
    """From now on, in this process. `error` is one of ERRORS."""
    countdown = _Countdown(nth, forever=forever)
    signal.signal(signal.SIGUSR2, countdown.end)
    number = SHORT_WRITE if error == "short write" else getattr(errno, error)
    for name in CALLS:
        setattr(Files, name, _failing(name, getattr(Files, name), countdown, number))
    sendfile = _failing("sendfile", os.sendfile, countdown, number)
    os.sendfile = sendfile
    reading = {name: _failing(name, getattr(os, name), countdown, number) for name in ("pread", "preadv")}
    parcel.os = SimpleNamespace(**reading)  # type: ignore[attr-defined]


def _failing(name: str, real: Callable[..., Any], countdown: _Countdown, number: int) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        if not countdown.due():
            return real(*args)
        if number == SHORT_WRITE:
            return real(*_shortened(name, args))
        if name == "is_folder":
            return False
        raise OSError(number, os.strerror(number))

    return call


def _shortened(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a kernel may do at any time: fewer bytes than were asked for."""
    if name == "pwrite":
        files, fd, view, offset = args
        return files, fd, view[: max(1, len(view) // 2)], offset
    if name == "sendfile":
        out, fd, offset, count = args
        return out, fd, offset, max(1, count // 2)
    return args
