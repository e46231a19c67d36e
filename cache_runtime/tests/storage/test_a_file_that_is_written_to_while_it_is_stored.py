"""Somebody writes to a blob's file between its verdict and the end of its storing: the verdict is on others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.clock import HandMovedClock
from doubles.volume import NOW_S, digest_of
from dtr_content_cache.storage import Files, Store

BLOB = b"0123456789" * 1000


class _Meddler(Files):
    """Writes to what has just got its name."""

    def __init__(self, how: Callable[[str], None]) -> None:
        self._how = how

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self._how(new)
        found = os.stat(new)
        later = found.st_mtime_ns + 10_000_000 * (self._how is not _nothing)  # however coarse the volume's clock is
        os.utime(new, ns=(found.st_atime_ns, later))


def _overwrite(path: str) -> None:
    with open(path, "r+b") as file:
        file.write(b"meddled")


def _prolong(path: str) -> None:
    with open(path, "ab") as file:
        file.write(b"meddled")


def _nothing(path: str) -> None:
    pass


def _keep(root: Path, how: Callable[[str], None]) -> object:
    store = Store(str(root), _Meddler(how))
    store.prepare()
    unfinished = store.begin(digest_of(BLOB))
    unfinished.write(memoryview(BLOB), 0)
    try:
        return store.keep(unfinished, HandMovedClock(steady_s=NOW_S))
    finally:
        unfinished.close()


@pytest.mark.parametrize("how", [_overwrite, _prolong])
def test_a_verdict_on_other_bytes_is_not_remembered(tmp_path: Path, how: Callable[[str], None]) -> None:
    assert _keep(tmp_path, how) is None


def test_what_nobody_wrote_to_keeps_its_verdict(tmp_path: Path) -> None:
    assert _keep(tmp_path, _nothing) is not None
