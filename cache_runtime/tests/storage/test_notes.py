"""Notes on the volume: whole or not at all, gone when removed, swept by age and number."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.files import FailingFiles
from dtr_content_cache.storage import Files, Notes, Store
from dtr_content_cache.storage.layout import Layout
from dtr_content_cache.values.failures import NoSpace, StorageBroken


def notes_in(root: Path, files: Files | None = None) -> Notes:
    Store(str(root)).prepare()
    return Notes(files or Files(), Layout(str(root)))


def told_by(work: Callable[[], object]) -> str:
    try:
        work()
    except (StorageBroken, NoSpace) as failure:
        return str(failure)
    return ""


def test_a_note_is_read_back_by_another_process_with_the_same_secret(tmp_path: Path) -> None:
    one, other = notes_in(tmp_path), notes_in(tmp_path)
    one.write("aa", "bb", b"a note")

    assert other.read("aa", "bb") == b"a note"
    assert one.secret() == other.secret()
    assert len(one.secret()) == 32


def test_a_removed_note_is_gone_and_so_is_a_whole_folder(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    for name in "123":
        notes.write("aa", name, b"x")
    notes.write("bb", "1", b"x")

    notes.remove("aa", "1")
    assert [notes.read("aa", name) for name in "123"] == [None, b"x", b"x"]
    notes.remove("aa")
    assert [notes.read("aa", name) for name in "123"] == [None, None, None]
    assert notes.read("bb", "1") == b"x"
    notes.remove("aa")
    notes.remove("cc", "1")


def test_a_sweep_takes_the_old_and_the_oldest_of_too_many(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    for age in range(10):
        notes.write(f"f{age}", "n", b"x")
        os.utime(tmp_path / f"content-cache/answers/f{age}/n", (1000 - age, 1000 - age))

    assert notes.sweep(995, 3) == 7

    assert [age for age in range(10) if notes.read(f"f{age}", "n")] == [0, 1, 2]
    assert len(list((tmp_path / "content-cache/answers").iterdir())) == 3


def test_a_link_in_a_notes_place_is_not_followed(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    notes.write("aa", "bb", b"x")
    (tmp_path / "elsewhere").write_bytes(b"not ours")
    place = tmp_path / "content-cache/answers/aa/bb"
    place.unlink()
    place.symlink_to(tmp_path / "elsewhere")

    assert notes.read("aa", "bb") is None


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_whatever_call_fails_a_note_is_whole_or_the_old_one_and_no_descriptor_is_lost(
    tmp_path: Path, error: int
) -> None:
    for nth in itertools.count(1):
        files = FailingFiles(nth, error)
        root = tmp_path / str(nth)
        notes = notes_in(root)
        notes.write("aa", "bb", b"old")
        failing = Notes(files, Layout(str(root)))
        said = [told_by(work) for work in (lambda failing=failing: failing.write("aa", "bb", b"new"), failing.secret)]
        assert str(tmp_path) not in str(said)
        assert notes.read("aa", "bb") in (b"old", b"new")
        assert files.opened == set()
        failing.sweep(0, 10)
        if files.failed == 0:
            break
    assert nth > 5
