"""Blobs in main memory have a folder of their own, which goes with the program, or a sentence why there is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dtr_content_cache.storage import main_memory
from dtr_content_cache.storage.main_memory import make_folder, remove_folder
from dtr_content_cache.values.failures import StorageBroken


def test_each_process_has_a_folder_of_its_own_that_goes_with_all_that_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_memory, "MAIN_MEMORY", str(tmp_path))
    first, second = make_folder(), make_folder()
    assert first != second
    assert Path(first).stat().st_mode & 0o077 == 0, "nobody else looks in"
    Path(first, "docker").mkdir()
    Path(first, "docker/blob").write_bytes(b"x")

    remove_folder(first)
    remove_folder(first)  # gone already: no harm

    assert list(tmp_path.iterdir()) == [Path(second)]


def test_a_machine_without_such_a_file_system_is_a_failure_without_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_memory, "MAIN_MEMORY", str(tmp_path / "nowhere"))

    with pytest.raises(StorageBroken, match=r"^creating a folder: ENOENT$"):
        make_folder()


def test_it_is_where_linux_keeps_files_in_memory() -> None:
    folder = make_folder()
    try:
        assert re.fullmatch(r"/dev/shm/dtr-content-cache-[^/]{8}", folder), "whoever looks there sees whose it is"
    finally:
        remove_folder(folder)
