"""What has no place on a volume, and what has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from doubles.volume import put
from dtr_content_cache.storage import Store
from endurance.strays import remaining, strays, sweep_an_hour_later

SHARD = "docker/registry/v2/blobs/sha256/ab"
FOLDER = f"{SHARD}/{'ab' * 32}"


def _volume(root: Path) -> Path:
    store = Store(str(root))
    store.prepare()
    put(store, b"a blob")
    store.remember(b"{}")
    store.remember_days(b"{}")
    return root


def test_what_a_cache_keeps_is_no_stray(tmp_path: Path) -> None:
    assert strays(_volume(tmp_path)) == set()
    assert strays(tmp_path / "none yet") == set()


@pytest.mark.parametrize(
    "path",
    [
        "core",
        "docker/core",
        f"{SHARD}/data",
        f"{FOLDER}/data.new",
        "content-cache/days.json.0a1b2c3d",
        "content-cache/unfinished/x",
        "content-cache/quarantine/x",
    ],
)
def test_a_file_without_a_place_is_found_until_it_is_gone(tmp_path: Path, path: str) -> None:
    stray = _volume(tmp_path) / path
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"")

    assert strays(tmp_path) == {path}
    assert remaining(tmp_path, {path}) == {path}
    stray.unlink()
    assert remaining(tmp_path, {path}) == set()


@pytest.mark.parametrize("path", ["tmp", FOLDER, f"{SHARD}/{'cd' * 32}", "content-cache/unfinished/x"])
def test_an_empty_folder_is_found_where_nothing_may_be_empty(tmp_path: Path, path: str) -> None:
    (_volume(tmp_path) / path).mkdir(parents=True)

    assert strays(tmp_path) == {path}


def test_an_hour_later_only_what_lies_beside_its_name_is_swept(tmp_path: Path) -> None:
    own = _volume(tmp_path) / "content-cache"
    for name in ("days.json.0a1b2c3d", "unfinished/x", "unknown.0a1b2c3d"):
        (own / name).write_bytes(b"")

    assert sweep_an_hour_later(tmp_path) == 1
    assert strays(tmp_path) == {"content-cache/unfinished/x", "content-cache/unknown.0a1b2c3d"}
    assert sweep_an_hour_later(tmp_path / "none yet") == 0
    assert os.path.exists(own / "days.json")
