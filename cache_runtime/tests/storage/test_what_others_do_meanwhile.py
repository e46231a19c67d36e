"""Between two calls of ours another process, or the volume itself, does something: each such moment, made to happen."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doubles.volume import digest_of, leftovers, put, read
from dtr_content_cache.storage import Files, Store
from dtr_content_cache.values.failures import StorageBroken

BLOB = b"0123456789" * 1000


class Meddling(Files):
    """`instead` of a call, by its name: gets the real call and its arguments."""

    def __init__(self, **instead: Callable[..., Any]) -> None:
        for name, meddle in instead.items():
            real = getattr(Files, name).__get__(self)
            setattr(self, name, lambda *args, real=real, meddle=meddle: meddle(real, *args))


def store_on(root: Path, **instead: Callable[..., Any]) -> Store:
    Store(str(root)).prepare()
    return Store(str(root), Meddling(**instead))


def refusing(number: int) -> Callable[..., Any]:
    def refuse(real: Callable[..., Any], *args: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return refuse


def left_by_the_dead(root: Path, name: str = "0" * 64 + ".dead") -> Path:
    path = root / "content-cache/unfinished" / name
    path.write_bytes(b"half of it")
    return path


def test_a_blobs_folder_that_an_eviction_removes_right_before_the_rename_is_made_anew(tmp_path: Path) -> None:
    removals = 2

    def evict_first(rename: Callable[[str, str], None], old: str, new: str) -> None:
        nonlocal removals
        if removals:
            removals -= 1
            os.rmdir(os.path.dirname(new))
        rename(old, new)

    store = store_on(tmp_path, rename=evict_first)

    assert read(store, put(store, BLOB)) == BLOB


def test_a_walk_right_before_the_rename_takes_no_blob_its_folder(tmp_path: Path) -> None:
    walked: list[str] = []

    def walk_first(rename: Callable[[str, str], None], old: str, new: str) -> None:
        if not walked:
            assert list(Store(str(tmp_path)).walk()) == []
            walked.append(os.path.dirname(new))
            assert not os.path.exists(walked[0])
        rename(old, new)

    store = store_on(tmp_path, rename=walk_first)

    assert read(store, put(store, BLOB)) == BLOB


def test_an_empty_folder_that_cannot_be_removed_is_no_failure_of_the_walk(tmp_path: Path) -> None:
    store = store_on(tmp_path, rmdir=refusing(errno.EROFS))
    digest = put(store, BLOB)
    other = Path(store.layout.folder(digest_of(b"another")))
    other.mkdir(parents=True)

    assert [blob.digest for blob in store.walk()] == [digest]
    assert other.exists()


def test_a_blobs_folder_that_keeps_vanishing_is_a_failure_and_leaves_nothing(tmp_path: Path) -> None:
    def evict_always(rename: Callable[[str, str], None], old: str, new: str) -> None:
        os.rmdir(os.path.dirname(new))
        rename(old, new)

    store = store_on(tmp_path, rename=evict_always)

    with pytest.raises(StorageBroken, match="storing: ENOENT"):
        put(store, BLOB)
    assert leftovers(tmp_path) == []


def test_a_blob_that_is_evicted_before_its_folder_is_synced_was_stored_all_the_same(tmp_path: Path) -> None:
    looked_for: list[str] = []

    def evicted(open_it: Callable[..., int], path: str, flags: int, *mode: int) -> int:
        if flags & os.O_DIRECTORY and path.endswith(digest_of(BLOB).hex):
            looked_for.append(path)
            raise FileNotFoundError(errno.ENOENT, "gone")
        return open_it(path, flags, *mode)

    store = store_on(tmp_path, open=evicted)

    put(store, BLOB)
    assert looked_for == [store.layout.folder(digest_of(BLOB))]


def test_a_new_file_that_a_sweep_takes_before_it_is_locked_is_made_again(tmp_path: Path) -> None:
    swept: list[str] = []

    def sweep_first(lock: Callable[[int], None], fd: int) -> None:
        if not swept:
            swept.append(os.readlink(f"/proc/self/fd/{fd}"))
            os.unlink(swept[0])
        lock(fd)

    store = store_on(tmp_path, lock=sweep_first)
    unfinished = store.begin(digest_of(BLOB))

    assert unfinished.path != swept[0]
    assert os.path.exists(unfinished.path)
    unfinished.close()


def test_a_new_file_that_a_sweep_has_locked_first_is_made_again(tmp_path: Path) -> None:
    held: list[str] = []

    def held_first(lock: Callable[[int], None], fd: int) -> None:
        if not held:
            held.append(os.readlink(f"/proc/self/fd/{fd}"))
            raise BlockingIOError(errno.EWOULDBLOCK, "held")
        lock(fd)

    store = store_on(tmp_path, lock=held_first)
    before = len(os.listdir("/proc/self/fd"))
    unfinished = store.begin(digest_of(BLOB))

    assert unfinished.path != held[0]
    assert len(os.listdir("/proc/self/fd")) == before + 1, "the one that the sweep removes is open no more"
    unfinished.write(memoryview(BLOB), 0)
    unfinished.close()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_volume_without_locks_stores_and_is_swept_by_age(tmp_path: Path, number: int) -> None:
    store = store_on(tmp_path, lock=refusing(number))
    assert read(store, put(store, BLOB)) == BLOB
    left = left_by_the_dead(tmp_path)

    assert store.sweep_leftovers(time.time(), 3600) == 0
    assert left.exists()
    assert store.sweep_leftovers(time.time() + 3601, 3600) == 1
    assert not left.exists()


@pytest.mark.parametrize("call", ["open", "unlink"])
def test_a_leftover_that_resists_keeps_no_other_from_being_swept(tmp_path: Path, call: str) -> None:
    def resist(real: Callable[..., Any], path: str, *more: Any) -> Any:
        if path.endswith("/stubborn"):
            raise OSError(errno.EIO, "EIO")
        return real(path, *more)

    store = store_on(tmp_path, **{call: resist})
    stubborn, other = left_by_the_dead(tmp_path, "stubborn"), left_by_the_dead(tmp_path)

    assert store.sweep_leftovers(time.time(), 3600) == 1
    assert (stubborn.exists(), other.exists()) == (True, False)


def test_a_leftover_whose_age_cannot_be_told_stays_and_is_closed(tmp_path: Path) -> None:
    store = store_on(tmp_path, lock=refusing(errno.ENOLCK), fstat=refusing(errno.EIO))
    left = left_by_the_dead(tmp_path)
    before = len(os.listdir("/proc/self/fd"))

    assert store.sweep_leftovers(time.time(), 0) == 0
    assert left.exists()
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_set_aside_and_cannot_be_removed_waits_for_the_next_sweep(tmp_path: Path) -> None:
    store = store_on(tmp_path, unlink=refusing(errno.EROFS))
    aside = tmp_path / "content-cache/quarantine" / ("0" * 64 + ".old")
    aside.write_bytes(b"rotten")

    assert store.sweep_leftovers(time.time() + 8 * 86_400, 3600) == 0
    assert aside.exists()


def test_a_blob_that_is_read_while_it_fills_and_cannot_be_is_a_failure_without_a_path(tmp_path: Path) -> None:
    store = store_on(tmp_path, pread_into=refusing(errno.EIO))
    unfinished = store.begin(digest_of(BLOB))

    with pytest.raises(StorageBroken, match=r"^reading: EIO$"):
        unfinished.read_into(memoryview(bytearray(10)), 0)
    unfinished.close()
    unfinished.close()  # a second time is no harm: the number may be somebody else's by then


def test_a_name_that_cannot_be_dropped_is_left_to_the_next_sweep(tmp_path: Path) -> None:
    store = store_on(tmp_path, unlink=refusing(errno.EIO))
    unfinished = store.begin(digest_of(BLOB))

    unfinished.drop_name()
    unfinished.close()

    assert Store(str(tmp_path)).sweep_leftovers(time.time(), 3600) == 1


def test_closing_what_is_closed_says_nothing() -> None:
    readable, writable = os.pipe()
    os.close(writable)
    os.close(readable)

    Files().close(readable)


def test_a_blob_whose_file_cannot_be_looked_at_is_a_failure_and_closed(tmp_path: Path) -> None:
    digest = put(store_on(tmp_path), BLOB)
    store = store_on(tmp_path, fstat=refusing(errno.EIO))
    before = len(os.listdir("/proc/self/fd"))

    with pytest.raises(StorageBroken, match=r"^opening: EIO$"):
        store.open(digest)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO])
def test_a_blob_that_cannot_be_removed_is_a_failure_and_stays(tmp_path: Path, number: int) -> None:
    digest = put(store_on(tmp_path), BLOB)
    store = store_on(tmp_path, unlink=refusing(number))

    with pytest.raises(StorageBroken, match=f"^removing: {errno.errorcode[number]}$"):
        store.remove(digest)
    assert read(store, digest) == BLOB


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO, errno.ENOSPC])
def test_rotten_bytes_that_can_be_neither_moved_nor_removed_are_no_failure(tmp_path: Path, number: int) -> None:
    digest = put(store_on(tmp_path), BLOB)
    store_on(tmp_path, rename=refusing(number), unlink=refusing(number)).quarantine(digest)

    assert read(Store(str(tmp_path)), digest) == BLOB


def test_rotten_bytes_that_cannot_be_moved_are_removed(tmp_path: Path) -> None:
    digest = put(store_on(tmp_path), BLOB)
    store_on(tmp_path, rename=refusing(errno.EXDEV)).quarantine(digest)

    assert Store(str(tmp_path)).open(digest) is None


def test_what_another_process_stores_when_rotten_bytes_have_just_been_moved_away_stays(tmp_path: Path) -> None:
    def stored_anew(rename: Callable[[str, str], None], old: str, new: str) -> None:
        rename(old, new)
        put(Store(str(tmp_path)), BLOB)

    digest = put(store_on(tmp_path), BLOB)
    store_on(tmp_path, rename=stored_anew).quarantine(digest)

    assert read(Store(str(tmp_path)), digest) == BLOB


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE])
def test_a_blob_that_is_there_and_cannot_be_opened_is_a_failure_and_stays(tmp_path: Path, number: int) -> None:
    digest = put(store_on(tmp_path), BLOB)

    with pytest.raises(StorageBroken, match=f"^opening: {errno.errorcode[number]}$"):
        store_on(tmp_path, open=refusing(number)).open(digest)
    assert read(Store(str(tmp_path)), digest) == BLOB


def test_the_days_figures_and_the_discovery_document_are_kept_apart(tmp_path: Path) -> None:
    store = store_on(tmp_path)
    assert (store.recall(), store.recall_days()) == (None, None)
    store.remember(b"discovery")
    store.remember_days(b"days")

    assert (Store(str(tmp_path)).recall(), Store(str(tmp_path)).recall_days()) == (b"discovery", b"days")


def test_a_lock_that_fails_for_a_reason_of_its_own_is_a_failure_and_leaves_nothing(tmp_path: Path) -> None:
    store = store_on(tmp_path, lock=refusing(errno.EIO))
    before = len(os.listdir("/proc/self/fd"))

    with pytest.raises(StorageBroken, match=r"^creating a file: EIO$"):
        store.begin(digest_of(BLOB))
    assert leftovers(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) == before
