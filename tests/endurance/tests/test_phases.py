"""Where a process was when it ended is still to be read."""

from __future__ import annotations

import os
from pathlib import Path

from dtr_content_cache.retention.sweeper import Sweeper
from endurance.phases import phases_in, watch


def _ends_in(path: Path, *, a_scan: bool) -> None:
    child = os.fork()
    if child == 0:
        Sweeper._look_at_all = lambda *_: os._exit(0) if a_scan else None  # type: ignore[assignment, misc]
        watch(path)
        Sweeper._look_at_all(None, None, True)  # type: ignore[arg-type]
        os._exit(0)
    os.waitpid(child, 0)


def test_a_phase_that_was_not_left_is_told_and_one_that_was_left_is_not(tmp_path: Path) -> None:
    _ends_in(tmp_path / "in it", a_scan=True)
    _ends_in(tmp_path / "after it", a_scan=False)

    assert phases_in(tmp_path / "in it") == ["a scan"]
    assert phases_in(tmp_path / "after it") == []
    assert phases_in(tmp_path / "never watched") == []
