"""The seam hands each call to the kernel and back, and makes nothing that others may write to."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from dtr_content_cache.storage import Files, files


def test_a_sync_reaches_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    Files().fsync(7)

    assert synced == [7]


def test_a_folder_is_told_from_a_file_and_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    found = [Files().is_folder(str(path)) for path in (tmp_path, tmp_path / "file", tmp_path / "nothing")]

    assert found == [True, False, False]


def test_new_folders_and_files_are_closed_to_others(tmp_path: Path) -> None:
    seam, mask = Files(), os.umask(0)
    try:
        seam.mkdir(str(tmp_path / "folder"))
        seam.close(seam.open(str(tmp_path / "file"), os.O_WRONLY | os.O_CREAT))
    finally:
        os.umask(mask)

    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("folder", "file")]
    assert modes == [0o750, 0o640]


def test_a_descriptor_is_not_inherited_by_programs_that_are_started(tmp_path: Path) -> None:
    fd = Files().open(str(tmp_path / "file"), os.O_WRONLY | os.O_CREAT)

    assert not os.get_inheritable(fd)
    Files().close(fd)
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(fd)


def test_room_is_asked_for_from_the_first_byte_on_and_the_length_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_size, asked = 1, []
    monkeypatch.setattr(files, "_FALLOCATE", lambda *what: asked.append(what) or 0)
    Files().allocate(7, 1 << 20)

    assert asked == [(7, keep_size, 0, 1 << 20)]


def test_room_is_asked_for_in_64_bits(tmp_path: Path) -> None:
    fd = Files().open(str(tmp_path / "file"), os.O_WRONLY | os.O_CREAT)
    said = 0
    try:
        Files().allocate(fd, 1 << 62)
    except OSError as error:
        said = error.errno
    Files().close(fd)

    assert said in (errno.EFBIG, errno.ENOSPC, errno.EOPNOTSUPP), "and not that nothing at all was asked for"


@pytest.mark.parametrize(("library", "name"), [({"call": 32, "call64": 64}, 64), ({"call": 64}, 64)])
def test_of_two_calls_of_a_library_the_one_for_64_bits_is_taken(library: dict[str, int], name: int) -> None:
    assert files._wide(SimpleNamespace(**library), "call") == name
