"""What is kept for the next start, and what is taken for it when it is read back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from doubles.files import FailingFiles
from doubles.volume import leftovers
from dtr_content_cache.storage import Store


def _store(root: Path, files: FailingFiles | None = None) -> Store:
    store = Store(str(root), files)
    store.prepare()
    return store


def _a_link(place: Path) -> None:
    (place.parent.parent / "elsewhere").write_bytes(b"not ours")
    place.symlink_to(place.parent.parent / "elsewhere")


def _a_pipe_without_a_writer(place: Path) -> None:
    os.mkfifo(place)


def _a_folder(place: Path) -> None:
    place.mkdir()


@pytest.mark.parametrize("make", [_a_link, _a_pipe_without_a_writer, _a_folder])
def test_what_is_no_file_of_ours_is_not_read_and_keeps_nobody_waiting(tmp_path: Path, make) -> None:
    files = FailingFiles()
    store = _store(tmp_path, files)
    make(Path(store.layout.discovery))

    assert store.recall() is None
    assert files.opened == set()


def test_it_is_read_back_whole_by_the_next_start_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    files, document = FailingFiles(), os.urandom(100_000)
    store = _store(tmp_path, files)
    store.remember(b"an older one")
    store.remember(document)

    assert (store.recall(), Store(str(tmp_path)).recall()) == (document, document)
    assert (leftovers(tmp_path), files.opened) == ([], set())


def test_it_is_on_the_disk_before_it_takes_the_place_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, done = FailingFiles(), []
    store = _store(tmp_path, files)
    rename = files.rename
    monkeypatch.setattr(files, "fsync", lambda fd: done.append(os.fstat(fd).st_size))
    monkeypatch.setattr(files, "rename", lambda old, new: done.append("rename") or rename(old, new))
    store.remember(b"document")

    assert done == [8, "rename"]
