"""A whole cache in which the Nth call on the volume goes wrong, once or from then on: in the nursery's child.

Owns the counting over all calls of storage's seam and the few by which open files are sent from (campaigns/seam.py
proves that there are no others). SIGUSR2 ends the fault: the disk is well again. Rule for editors: every call counts,
from the first of the start on, so that each N is another moment of a cache's life; but of those that are to come up
short only the ones that can.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from doubles.files import CALLS
from dtr_content_cache.storage.files import Files
from dtr_content_cache.web import parcel

SHORT = "half of it"
ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EMFILE", "EACCES", "EROFS", "EINTR", SHORT)
# What a kernel may do at any time: fewer bytes than were asked for.
MAY_BE_SHORT = frozenset({"pread", "pread_into", "preadv", "pwrite", "sendfile"})
_NEVER = -1
MET, COUNTED = "fault: call", "counted: call"


class _Countdown:
    """Thread-safe: is this call the one that fails? `nth` 0: none is, each is printed."""

    def __init__(self, nth: int, *, forever: bool) -> None:
        self._nth, self._forever = nth, forever
        self._calls = 0
        self._met = False
        self._lock = threading.RLock()  # the signal may come while this thread has it

    def due(self, name: str) -> bool:
        with self._lock:
            self._calls += 1
            if not self._nth:
                print(f"{COUNTED} {self._calls}, {name}", flush=True)
                return False
            return self._calls == self._nth or (self._forever and self._calls > self._nth)

    def met(self, name: str) -> None:
        """It has gone wrong indeed."""
        with self._lock:
            if not self._met:
                print(f"{MET} {self._calls}, {name}, went wrong", flush=True)
            self._met = True

    def end(self, *_: object) -> None:
        with self._lock:
            self._nth, self._forever = _NEVER, False


def install(nth: int, error: str, *, forever: bool) -> None:
    """From now on, in this process. `error` is one of ERRORS; with `nth` 0 the calls are printed only."""
    countdown = _Countdown(nth, forever=forever)
    signal.signal(signal.SIGUSR2, countdown.end)
    make = _short if error == SHORT else _failing(getattr(errno, error))

    def altered(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        return real if error == SHORT and name not in MAY_BE_SHORT else make(name, real, countdown)

    for name in CALLS:
        setattr(Files, name, altered(name, getattr(Files, name)))
    os.sendfile = altered("sendfile", os.sendfile)
    reading = {name: altered(name, getattr(os, name)) for name in ("pread", "preadv", "fstat")}
    parcel.os = SimpleNamespace(**reading)  # type: ignore[attr-defined]


def _failing(number: int) -> Callable[[str, Callable[..., Any], _Countdown], Callable[..., Any]]:
    def make(name: str, real: Callable[..., Any], countdown: _Countdown) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            if not countdown.due(name):
                return real(*args)
            countdown.met(name)
            if name == "is_folder":
                return False
            raise OSError(number, os.strerror(number))

        return call

    return make


def _short(name: str, real: Callable[..., Any], countdown: _Countdown) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        if not countdown.due(name):
            return real(*args)
        asked = _fewer(name, args)
        done = real(*asked)
        given = done if asked is not args else _half(done)
        if asked is not args or given is not done:
            countdown.met(name)
        return given

    return call


def _fewer(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Half of what is to be written or sent; `args` themselves where that cannot be halved."""
    if name == "pwrite" and len(args[2]) > 1:
        files, fd, view, offset = args
        return files, fd, view[: len(view) // 2], offset
    if name == "sendfile" and args[3] > 1:
        out, fd, offset, count = args
        return out, fd, offset, count // 2
    return args


def _half(read: Any) -> Any:
    """Of what was read: the bytes, or how many there are. `read` itself where that cannot be halved."""
    if isinstance(read, bytes):
        return read[: len(read) // 2] if len(read) > 1 else read
    return read // 2 if read > 1 else read
