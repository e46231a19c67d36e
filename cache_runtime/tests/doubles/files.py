"""The volume's system calls, one of which goes wrong: the Nth, once or from then on, or the process dies there."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from dtr_content_cache.storage import Files

SHORT_WRITE = -1
# `close` never fails by its contract, and `is_folder` answers False.
CALLS = ("open", "fstat", "lstat", "pread_into", "pread", "pwrite", "fsync", "lock", "is_folder", "rename", "unlink")
CALLS += ("is_in_main_memory", "allocate", "truncate", "mkdir", "rmdir", "set_modified", "scandir", "statvfs")


class FailingFiles(Files):
    """Call number `nth` (from 1) fails with `error`, an errno or SHORT_WRITE; `forever`: so do all after it.

    `calls` counts, `failed` says how many went wrong, `opened` which descriptors are open.
    """

    def __init__(self, nth: int = 0, error: int = 0, *, forever: bool = False) -> None:
        self.nth, self.error, self.forever = nth, error, forever
        self.calls = self.failed = 0
        self.opened: set[int] = set()

    def _due(self) -> bool:
        self.calls += 1
        due = self.calls == self.nth or (self.forever and self.nth > 0 and self.calls > self.nth)
        self.failed += due
        return due

    def close(self, fd: int) -> None:
        self.opened.discard(fd)
        super().close(fd)


def _real(name: str) -> Callable[..., Any]:
    # A sweep syncs thousands of times, and nobody cuts the power: an fsync that succeeds does nothing here.
    return (lambda self, fd: None) if name == "fsync" else getattr(Files, name)


def _failing(name: str) -> Callable[..., Any]:
    real = _real(name)

    def call(self: FailingFiles, *args: Any) -> Any:
        if not self._due():
            result = real(self, *args)
        elif self.error == SHORT_WRITE:
            result = real(self, *_shortened(args)) if name == "pwrite" else real(self, *args)
        elif name == "is_folder":
            result = False
        else:
            raise OSError(self.error, os.strerror(self.error))
        if name == "open":
            self.opened.add(result)
        return result

    return call


def _shortened(args: tuple[Any, ...]) -> tuple[Any, ...]:
    fd, view, offset = args
    return fd, view[: max(1, len(view) // 2)], offset


for _name in CALLS:
    setattr(FailingFiles, _name, _failing(_name))


class DyingFiles(Files):
    """The process dies, as by kill -9, right before call number `nth`."""

    def __init__(self, nth: int) -> None:
        self.left = nth


def _dying(name: str) -> Callable[..., Any]:
    real = _real(name)

    def call(self: DyingFiles, *args: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            os._exit(9)
        return real(self, *args)

    return call


for _name in (*CALLS, "close"):
    setattr(DyingFiles, _name, _dying(_name))
