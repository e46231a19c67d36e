from __future__ import annotations

import os
from pathlib import Path

from dtr_content_cache.upstream.watched_files import WatchedFiles


def test_each_change_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    files = WatchedFiles((path,))
    assert not files.changed()
    path.write_text("two")
    assert files.changed()
    assert not files.changed()


def test_contents_count_and_times_do_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    os.utime(path, (1, 1))
    files = WatchedFiles((path,))
    os.utime(path, (2, 2))
    assert not files.changed()
    path.write_text("two")
    os.utime(path, (2, 2))
    assert files.changed()


def test_going_and_coming_back_are_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    files = WatchedFiles((path,))
    path.unlink()
    assert files.changed()
    assert not files.changed()
    path.write_text("one")
    assert files.changed()
