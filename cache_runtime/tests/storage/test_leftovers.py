"""What counts as left over, to the second; whatever is not certainly that stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dtr_content_cache.storage import Files, Store

NOW_S = 1_700_000_000.0
WEEK_S, HOUR_S = 7 * 86_400.0, 3600.0


class Dated(Files):
    """All files are `age_s` old; `locks` False: a volume without locks."""

    def __init__(self, age_s: float, *, locks: bool = True) -> None:
        self.age_s = age_s
        self.locks = locks

    def lstat(self, path: str) -> Any:
        return SimpleNamespace(st_ctime=NOW_S - self.age_s)

    def fstat(self, fd: int) -> Any:
        return SimpleNamespace(st_mtime=NOW_S - self.age_s)

    def lock(self, fd: int) -> None:
        if not self.locks:
            raise OSError(errno.ENOLCK, "no locks")


def swept(root: Path, files: Files, name: str, age_s: float = 60.0) -> tuple[int, bool]:
    """(how many the sweep says, whether the file is still there)"""
    Store(str(root)).prepare()
    path = root / "content-cache" / name
    path.write_bytes(b"left")
    return Store(str(root), files).sweep_leftovers(NOW_S, age_s), path.exists()


@pytest.mark.parametrize(("age_s", "found"), [(WEEK_S - 1, (0, True)), (WEEK_S, (0, True)), (WEEK_S + 1, (1, False))])
def test_what_was_set_aside_stays_for_a_week(tmp_path: Path, age_s: float, found: tuple[int, bool]) -> None:
    assert swept(tmp_path, Dated(age_s), "quarantine/x") == found


@pytest.mark.parametrize(
    "name", [f"{name}.0a1b2c3d" for name in ("probe", "discovery.json", "days.json", "answers.secret")]
)
@pytest.mark.parametrize(("age_s", "found"), [(HOUR_S, (0, True)), (HOUR_S + 1, (1, False))])
def test_what_was_written_beside_and_never_renamed_goes_after_an_hour(
    tmp_path: Path, name: str, age_s: float, found: tuple[int, bool]
) -> None:
    assert swept(tmp_path, Dated(age_s), name) == found


@pytest.mark.parametrize("name", ["discovery.json", "days.json", "probe.0a1b2c3", "probe.0a1b2c3d4", "answers.secret"])
def test_what_is_in_use_or_somebody_elses_is_not_swept_however_old(tmp_path: Path, name: str) -> None:
    assert swept(tmp_path, Dated(10 * WEEK_S), name) == (0, True)


@pytest.mark.parametrize(("age_s", "found"), [(60.0, (0, True)), (61.0, (1, False))])
def test_without_locks_a_file_that_was_just_written_to_is_not_swept(
    tmp_path: Path, age_s: float, found: tuple[int, bool]
) -> None:
    assert swept(tmp_path, Dated(age_s, locks=False), "unfinished/x") == found


def test_a_link_among_the_unfinished_is_not_followed(tmp_path: Path) -> None:
    Store(str(tmp_path)).prepare()
    (tmp_path / "elsewhere").write_bytes(b"not ours")
    link = tmp_path / "content-cache/unfinished/link"
    link.symlink_to(tmp_path / "elsewhere")

    assert Store(str(tmp_path)).sweep_leftovers(NOW_S, 0) == 0
    assert link.is_symlink()


def test_what_resists_is_not_counted(tmp_path: Path) -> None:
    class Stubborn(Dated):
        def unlink(self, path: str) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    assert swept(tmp_path, Stubborn(WEEK_S + 1), "quarantine/x") == (0, True)
    assert swept(tmp_path, Stubborn(WEEK_S + 1), "unfinished/x") == (0, True)
