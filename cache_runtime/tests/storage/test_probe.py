"""What is asked of the volume itself: whether it works, how much room it has, and its folders; what is told of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from doubles.files import FailingFiles
from doubles.volume import leftovers
from dtr_content_cache.storage import Files, Space, Store
from dtr_content_cache.values.failures import NoSpace, StorageBroken


def _store(root: Path, files: Files | None = None) -> Store:
    Store(str(root)).prepare()
    return Store(str(root), files)


def test_a_probe_of_a_volume_that_works_says_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    files = FailingFiles()
    _store(tmp_path, files).probe()

    assert (leftovers(tmp_path), files.opened) == ([], set())


@pytest.mark.parametrize("call", ["open", "pwrite", "pread", "unlink"])
@pytest.mark.parametrize(("error", "failure"), [(errno.ENOSPC, NoSpace), (errno.EIO, StorageBroken)])
def test_whatever_of_a_probe_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: int, failure: type[Exception]
) -> None:
    files = FailingFiles()
    store = _store(tmp_path, files)

    def refuse(*what: object) -> object:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(files, call, refuse)
    with pytest.raises(failure, match=f"^probe: {errno.errorcode[error]}$"):
        store.probe()
    assert (leftovers(tmp_path) == [], files.opened) == (call != "unlink", set())


class _Forgets(Files):
    """A volume that gives back other bytes than it was given."""

    def __init__(self, found: bytes) -> None:
        self._found = found

    def pread(self, fd: int, count: int, offset: int) -> bytes:
        super().pread(fd, count, offset)
        return self._found


@pytest.mark.parametrize("found", [b"", b"probf", b"\0\0\0\0\0", b"prob"])
def test_a_volume_that_gives_back_other_bytes_is_broken(tmp_path: Path, found: bytes) -> None:
    with pytest.raises(StorageBroken, match=r"^probe: what was written is not what is read$"):
        _store(tmp_path, _Forgets(found)).probe()
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(("error", "failure"), [(errno.ENOSPC, NoSpace), (errno.EROFS, StorageBroken)])
def test_folders_that_cannot_be_made_are_a_failure_without_a_path(
    tmp_path: Path, error: int, failure: type[Exception]
) -> None:
    class Refusing(Files):
        def mkdir(self, path: str) -> None:
            raise OSError(error, os.strerror(error), path)

    with pytest.raises(failure, match=f"^creating a folder: {errno.errorcode[error]}$"):
        Store(str(tmp_path / "volume"), Refusing()).prepare()


def test_folders_that_are_there_are_not_made_again(tmp_path: Path) -> None:
    files = FailingFiles()
    _store(tmp_path, files).prepare()

    assert files.calls == len(Store(str(tmp_path)).layout.needed_folders()), "a look at each, and nothing more"


class _Sized(Files):
    def statvfs(self, path: str) -> Any:
        return SimpleNamespace(f_bsize=1 << 20, f_frsize=4096, f_blocks=1000, f_bfree=300, f_bavail=250)


def test_room_is_what_an_ordinary_user_may_write_of_all_that_there_is(tmp_path: Path) -> None:
    assert Store(str(tmp_path), _Sized()).space() == Space(4096 * 1000, 4096 * 250)


def test_a_volume_that_does_not_say_how_much_room_it_has_is_broken(tmp_path: Path) -> None:
    with pytest.raises(StorageBroken, match=r"^asking for free space: ENOENT$"):
        Store(str(tmp_path / "nowhere")).space()
