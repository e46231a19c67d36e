"""The seam hands each call to the kernel and back, and makes nothing that others may write to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from dtr_content_cache.storage import Files


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
    files, mask = Files(), os.umask(0)
    try:
        files.mkdir(str(tmp_path / "folder"))
        files.close(files.open(str(tmp_path / "file"), os.O_WRONLY | os.O_CREAT))
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
