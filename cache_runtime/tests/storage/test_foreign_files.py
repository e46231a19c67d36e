"""What else lies on a volume: it is neither served nor counted nor touched, and it stops nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from doubles.files import FailingFiles
from doubles.volume import digest_of, put, read
from dtr_content_cache.storage import Store

DATA = b"a blob of ours"
HEX = digest_of(DATA).hex
BLOBS = "docker/registry/v2/blobs/sha256"


def a_folder(path: Path) -> None:
    path.mkdir(parents=True)


def a_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"foreign")


def a_pipe(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def a_dangling_link(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("/nowhere/at/all")


def a_link_to_a_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "secret").write_bytes(b"secret")
    path.symlink_to(path.parent / "secret")


def a_socket(path: Path) -> None:
    import socket

    path.parent.mkdir(parents=True, exist_ok=True)
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path has 107 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("make", [a_folder, a_file, a_pipe, a_dangling_link])
@pytest.mark.parametrize(
    "place", ["ab", "lost+found", "ab.tmp", f"{HEX[:2]}/not-a-digest", "ab/" + "c" * 64, f"{HEX[:3]}/{HEX}/data"]
)
def test_it_stops_neither_the_walk_nor_the_sweep_and_stays(tmp_path: Path, make, place: str) -> None:
    store = Store(str(tmp_path))
    store.prepare()
    put(store, DATA)
    foreign = tmp_path / BLOBS / place
    make(foreign)

    assert [blob.digest.hex for blob in store.walk()] == [HEX]
    store.sweep_leftovers(time.time() + 30 * 86400, 0)
    assert os.path.lexists(foreign)


@pytest.mark.parametrize("make", [a_folder, a_pipe, a_dangling_link, a_link_to_a_secret, a_socket])
def test_what_is_no_regular_file_is_moved_away_and_the_blob_stored_anew(tmp_path: Path, make) -> None:
    files = FailingFiles()
    store = Store(str(tmp_path), files)
    store.prepare()
    make(tmp_path / BLOBS / HEX[:2] / HEX / "data")

    assert list(store.walk()) == []
    assert store.open(digest_of(DATA)) is None
    assert [name.partition(".")[0] for name in os.listdir(store.layout.quarantine)] == [HEX]
    put(store, DATA)

    assert read(store, digest_of(DATA)) == DATA
    assert files.opened == set(), "a folder lets itself be opened, and so does a pipe"


def test_a_link_that_is_as_long_as_the_blob_is_not_taken_for_it(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.prepare()
    place = Path(store.layout.data(digest_of(DATA)))
    place.parent.mkdir(parents=True)
    place.symlink_to("x" * len(DATA))
    assert place.lstat().st_size == len(DATA)

    assert read(store, put(store, DATA)) == DATA


def test_foreign_files_in_our_own_folder_stay(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.prepare()
    foreign = [tmp_path / "content-cache" / name for name in ("notes.txt", "probe.sh", "discovery.json.orig")]
    for path in foreign:
        path.write_bytes(b"an operator's")

    store.sweep_leftovers(time.time() + 30 * 86400, 0)

    assert all(path.exists() for path in foreign)


def test_a_folder_that_somebody_keeps_something_in_survives_the_blobs_removal(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.prepare()
    digest = put(store, DATA)
    note = tmp_path / BLOBS / HEX[:2] / HEX / "note"
    note.write_bytes(b"kept")

    assert store.remove(digest) is True

    assert note.exists()
    assert store.open(digest) is None


def test_a_volume_that_was_emptied_under_us_is_made_anew_by_the_next_fill(tmp_path: Path) -> None:
    import shutil

    store = Store(str(tmp_path))
    store.prepare()
    put(store, DATA)
    for path in tmp_path.iterdir():
        shutil.rmtree(path)

    store.probe()
    for path in tmp_path.iterdir():
        shutil.rmtree(path)

    assert store.open(digest_of(DATA)) is None
    assert read(store, put(store, DATA)) == DATA
