"""Notes on the volume: whole or not at all, gone when removed, swept by age and number."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Iterator
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


def test_a_sweep_asks_for_a_notes_age_by_the_seam_where_that_can_fail(tmp_path: Path) -> None:
    class Ageless(Files):
        def lstat(self, path: str) -> os.stat_result:
            raise OSError(errno.EIO, "Input/output error")

    notes = notes_in(tmp_path, Ageless())
    notes.write("aa", "bb", b"x")

    assert notes.sweep(2**40, 0) == 0
    assert notes.read("aa", "bb") == b"x"


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


def test_a_secret_that_is_gone_after_it_was_written_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = notes_in(tmp_path)
    monkeypatch.setattr(notes, "_write", lambda path, content: None)

    assert told_by(notes.secret) == "remembering: the secret of the notes is not there after it was written"


def test_a_volume_that_takes_no_folder_says_so_without_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files()
    notes = notes_in(tmp_path, files)

    def full(path: str) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(files, "mkdir", full)
    assert told_by(lambda: notes.write("aa", "bb", b"x")) == "remembering: ENOSPC"
    assert notes.read("aa", "bb") is None


def test_a_secret_of_another_length_is_replaced(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    (tmp_path / "content-cache/answers.secret").write_bytes(b"short")

    assert len(notes.secret()) == 32
    assert notes.secret() == (tmp_path / "content-cache/answers.secret").read_bytes()


def test_notes_and_their_secret_are_for_nobody_else_to_read(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    notes.secret()
    notes.write("aa", "bb", b"x")

    for name in ("answers.secret", "answers/aa/bb"):
        assert (tmp_path / "content-cache" / name).stat().st_mode & 0o777 == 0o600


def test_a_removal_is_on_the_disk_before_it_counts(tmp_path: Path) -> None:
    synced: list[str] = []

    class Watched(Files):
        def fsync(self, fd: int) -> None:
            synced.append(os.readlink(f"/proc/self/fd/{fd}"))

    notes = notes_in(tmp_path, Watched())
    notes.write("aa", "bb", b"x")
    assert synced == []
    notes.remove("aa", "bb")
    assert synced == [str(tmp_path / "content-cache/answers/aa")]


@pytest.mark.parametrize("call", ["unlink", "fsync", "scandir"])
def test_a_note_that_cannot_be_removed_for_good_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    files = Files()
    notes = notes_in(tmp_path, files)
    notes.write("aa", "bb", b"x")

    def broken(what: object) -> None:
        raise OSError(errno.EIO, "EIO")

    monkeypatch.setattr(files, call, broken)
    assert told_by(lambda: notes.remove("aa")) == "remembering: EIO"


def test_a_sweep_takes_only_what_is_older_and_only_the_oldest_beyond_the_limit(tmp_path: Path) -> None:
    notes = notes_in(tmp_path)
    for age in range(3):
        notes.write("aa", f"{age}", b"x")
        os.utime(tmp_path / f"content-cache/answers/aa/{age}", (1000 - age, 1000 - age))

    assert notes.sweep(998, 3) == 0
    assert notes.sweep(999, 3) == 1
    assert notes.sweep(0, 2) == 0
    assert notes.sweep(0, 1) == 1
    assert notes.read("aa", "0") == b"x"


def test_writing_many_notes_leaves_no_descriptor_open(tmp_path: Path) -> None:
    files = FailingFiles()
    notes = notes_in(tmp_path, files)
    for name in "123":
        notes.write("aa", name, b"x")
        assert notes.read("aa", name) == b"x"
    notes.remove("aa")

    assert files.opened == set()


@pytest.mark.parametrize("call", ["pwrite", "rename"])
def test_a_note_that_cannot_be_written_is_a_failure_and_nothing_lies_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    files = Files()
    notes = notes_in(tmp_path, files)
    notes.write("aa", "bb", b"old")

    def broken(*what: object) -> None:
        raise OSError(errno.EIO, "EIO")

    monkeypatch.setattr(files, call, broken)
    assert told_by(lambda: notes.write("aa", "bb", b"new")) == "remembering: EIO"
    assert os.listdir(tmp_path / "content-cache/answers/aa") == ["bb"]
    assert notes.read("aa", "bb") == b"old"


def test_a_folder_of_notes_that_cannot_be_read_keeps_no_other_from_being_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, read = Files(), []
    notes = notes_in(tmp_path, files)
    for folder in ("aa", "bb", "cc"):
        notes.write(folder, "n", b"x")
    real = files.scandir

    def unreadable(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith(("/aa", "/bb", "/cc")):
            read.append(path)
            if len(read) == 1:
                raise OSError(errno.EIO, "EIO")
        return real(path)

    monkeypatch.setattr(files, "scandir", unreadable)
    assert notes.sweep(1e12, 10) == 2
