"""A process that dies at any point of a blob's life leaves right blobs, and nothing that the next sweep misses."""

from __future__ import annotations

import errno
import itertools
import os
import re
import time
from pathlib import Path

import pytest
from doubles.files import DyingFiles, FailingFiles
from doubles.volume import digest_of, leftovers, put, read, wrong_blobs
from dtr_content_cache.storage import Files, Notes, Store
from dtr_content_cache.values.clock import SystemClock
from dtr_content_cache.values.failures import StorageBroken

BLOB = b"0123456789" * 10_000
# What may lie on a volume that holds no blob and no answer, when all that the dead left is swept (layout.py).
KNOWN = re.compile(
    r"kept|docker(/registry(/v2(/blobs(/sha256(/[0-9a-f]{2})?)?)?)?)?"
    r"|content-cache(/(unfinished|quarantine|discovery\.json|days\.json|answers|answers\.secret))?"
)


def unknown_on(root: Path) -> list[str]:
    found = [str(path.relative_to(root)) for path in root.rglob("*")]
    return [path for path in found if not KNOWN.fullmatch(path)]


def dies(root: Path, nth: int) -> bool:
    """A child writes all that a cache writes and dies right before its Nth call; False where it came to its end."""
    child = os.fork()
    if child == 0:
        store = Store(str(root), DyingFiles(nth))
        store.prepare()
        store.remember(b"{}")
        store.remember_days(b"{}")
        notes = Notes(store.files, store.layout)
        notes.secret()
        notes.write("aa", "bb", b"an answer")
        notes.remove("aa", "bb")
        digest = put(store, BLOB)
        (root / "kept").touch()
        store.probe()
        store.sweep_leftovers(time.time(), 0)
        store.remove(digest)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_crash_before_any_call_leaves_no_wrong_blob_and_no_leftover_after_the_next_sweep(tmp_path: Path) -> None:
    for nth in itertools.count(1):
        root = tmp_path / str(nth)
        root.mkdir()
        died = dies(root, nth)

        store = Store(str(root), FailingFiles())
        assert wrong_blobs(root) == [], f"call {nth}"
        store.prepare()
        # A lock of the dead is gone with it: what it filled is found at once, whatever its age.
        store.sweep_leftovers(time.time(), 10**9)
        assert list((root / "content-cache/unfinished").iterdir()) == []
        later_s = time.time() + 8 * 86400
        store.sweep_leftovers(later_s, 10**9)
        Notes(store.files, store.layout).sweep(later_s, 0)
        for blob in store.walk():
            store.remove(blob.digest)
        assert unknown_on(root) == [], f"call {nth}"
        assert read(store, put(store, BLOB)) == BLOB
        if not died:
            break
    assert nth > 30


def test_a_blob_that_was_kept_is_there_after_a_crash(tmp_path: Path) -> None:
    kept = 0
    for nth in itertools.count(1):
        root = tmp_path / str(nth)
        root.mkdir()
        if not dies(root, nth):
            break
        if (root / "kept").exists() and read(Store(str(root)), digest_of(BLOB)) == BLOB:
            kept += 1
    assert kept >= 5


def test_an_unfinished_blob_is_never_found_by_its_digest(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.prepare()
    unfinished = store.begin(digest_of(BLOB))
    unfinished.write(memoryview(BLOB), 0)

    assert store.open(digest_of(BLOB)) is None
    assert list(store.walk()) == []

    unfinished.drop_name()
    unfinished.close()


def test_a_living_writers_file_is_not_swept_however_old_it_is(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.prepare()
    unfinished = store.begin(digest_of(BLOB))
    unfinished.write(memoryview(BLOB), 0)
    os.utime(unfinished.path, (0, 0))

    assert Store(str(tmp_path)).sweep_leftovers(time.time(), 1) == 0
    store.keep(unfinished, SystemClock())
    unfinished.close()

    assert read(store, digest_of(BLOB)) == BLOB


def test_a_reader_of_an_unfinished_blob_reads_on_after_it_was_kept_and_after_it_was_removed(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.prepare()
    unfinished = store.begin(digest_of(BLOB))
    unfinished.write(memoryview(BLOB), 0)
    store.keep(unfinished, SystemClock())
    store.remove(digest_of(BLOB))
    buffer = bytearray(len(BLOB))

    assert unfinished.read_into(memoryview(buffer), 0) == len(BLOB)
    assert buffer == BLOB
    unfinished.close()


def test_bytes_are_synced_before_they_get_their_name_and_the_name_after(tmp_path: Path) -> None:
    calls: list[str] = []

    class Recording(Files):
        def fsync(self, fd: int) -> None:
            calls.append("fsync folder" if os.path.isdir(f"/proc/self/fd/{fd}") else "fsync file")

        def rename(self, old: str, new: str) -> None:
            calls.append("rename")
            super().rename(old, new)

    store = Store(str(tmp_path), Recording())
    store.prepare()
    put(store, BLOB)

    # The blob's folder, its shard, and the folder of shards: each may be new.
    assert calls == ["fsync file", "rename", "fsync folder", "fsync folder", "fsync folder"]


def test_a_failed_sync_drops_the_bytes_and_is_not_tried_again(tmp_path: Path) -> None:
    calls: list[str] = []

    class Lossy(Files):
        def fsync(self, fd: int) -> None:
            calls.append("fsync")
            raise OSError(errno.EIO, "EIO")

    store = Store(str(tmp_path), Lossy())
    store.prepare()
    with pytest.raises(StorageBroken):
        put(store, BLOB)

    assert calls == ["fsync"]
    assert store.open(digest_of(BLOB)) is None
    assert leftovers(tmp_path) == []
