"""When a blob was last pulled is on the volume within a second, and survives whatever the process does not."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from doubles.clock import HandMovedClock
from doubles.files import FailingFiles
from doubles.volume import NOW_S, digest_of, put
from dtr_content_cache.storage import Files, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(str(tmp_path))
    made.prepare()
    return made


def test_the_next_process_knows_it(store: Store) -> None:
    digest = put(store, b"blob", NOW_S)
    store.note_pull(digest, NOW_S + 60)

    assert Store(store.layout.root).pulled_s(digest) == NOW_S + 60
    assert [blob.pulled_s for blob in Store(store.layout.root).walk()] == [NOW_S + 60]


def test_storing_counts_as_a_pull(store: Store) -> None:
    assert store.pulled_s(put(store, b"blob", NOW_S)) == NOW_S


def test_a_time_that_lies_ahead_is_dated_back_and_later_pulls_are_noted_again(store: Store) -> None:
    digest = put(store, b"blob", NOW_S + 3600)

    store.note_pull(digest, NOW_S)
    assert store.pulled_s(digest) == NOW_S + 3600, "an older pull does not undo a later one"
    store.date_anew(digest, NOW_S)
    assert store.pulled_s(digest) == NOW_S
    store.note_pull(digest, NOW_S + 60)
    assert store.pulled_s(digest) == NOW_S + 60


def test_a_disk_that_is_slow_to_store_takes_nothing_from_those_who_joined_meanwhile(tmp_path: Path) -> None:
    clock = HandMovedClock(steady_s=NOW_S)

    class SlowFiles(Files):
        def fsync(self, fd: int) -> None:
            clock.advance(2)

    store = Store(str(tmp_path), SlowFiles())
    store.prepare()
    unfinished = store.begin(digest_of(b"blob"))
    unfinished.write(memoryview(b"blob"), 0)
    store.keep(unfinished, clock)
    unfinished.close()

    assert store.pulled_s(digest_of(b"blob")) == clock.steady() > NOW_S + 2


def test_a_thread_that_was_stopped_on_its_way_does_not_undo_a_later_note(tmp_path: Path) -> None:
    going_on, stopped = threading.Event(), threading.Event()

    class StoppedOnce(Files):
        def set_modified(self, path: str, time_s: float) -> None:
            if not stopped.is_set():
                stopped.set()
                going_on.wait(10)
            super().set_modified(path, time_s)

    digest = put(Store(str(tmp_path)), b"blob", NOW_S)
    store = Store(str(tmp_path), StoppedOnce())
    early = threading.Thread(target=store.note_pull, args=(digest, NOW_S + 2))
    late = threading.Thread(target=store.note_pull, args=(digest, NOW_S + 4))
    early.start()
    stopped.wait(10)
    late.start()
    late.join(0.1)  # it may have to wait for the other
    going_on.set()
    early.join()
    late.join()

    assert store.pulled_s(digest) == NOW_S + 4


def test_a_note_that_comes_late_is_not_written_over_a_later_one(store: Store) -> None:
    digest = put(store, b"blob", NOW_S)
    store.note_pull(digest, NOW_S + 4)
    store.note_pull(digest, NOW_S + 2)

    assert store.pulled_s(digest) == NOW_S + 4


def test_it_is_written_at_most_once_a_second(store: Store) -> None:
    digest = put(store, b"blob", NOW_S)

    store.note_pull(digest, NOW_S + 0.9)
    assert store.pulled_s(digest) == NOW_S

    store.note_pull(digest, NOW_S + 1.0)
    assert store.pulled_s(digest) == NOW_S + 1.0


def test_it_is_written_no_more_often_where_other_blobs_are_pulled_in_between(store: Store) -> None:
    digest = put(store, b"blob", NOW_S)
    put(store, b"another", NOW_S + 0.4)

    store.note_pull(digest, NOW_S + 0.9)
    assert store.pulled_s(digest) == NOW_S


def test_the_bytes_own_times_do_not_move_with_it(store: Store) -> None:
    digest = put(store, b"blob", NOW_S)
    before = store.open(digest)
    store.note_pull(digest, NOW_S + 60)
    after = store.open(digest)

    assert before is not None
    assert after is not None
    assert before.identity == after.identity
    for blob in (before, after):
        store.files.close(blob.fd)


def test_a_blob_that_is_gone_has_none_and_noting_one_is_no_failure(store: Store) -> None:
    store.note_pull(digest_of(b"never here"), NOW_S)

    assert store.pulled_s(digest_of(b"never here")) is None


def test_a_blob_stored_again_after_its_removal_is_as_young_as_that(store: Store) -> None:
    digest = put(store, b"blob", NOW_S)
    store.note_pull(digest, NOW_S + 100)
    store.remove(digest)
    put(store, b"blob", NOW_S + 100.5)

    assert store.pulled_s(digest) == NOW_S + 100.5


def test_the_memory_of_what_was_noted_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dtr_content_cache.storage.last_pulls._NOTED_LIMIT", 10)
    files = FailingFiles()
    bounded = Store(store.layout.root, files)

    kept = []
    for number in range(100):
        bounded.note_pull(digest_of(str(number).encode()), NOW_S)
        kept.append(len(bounded._pulls._noted))

    assert files.calls == 100
    assert max(kept) == 10


def test_storing_counts_as_a_pull_however_soon_after_the_last_one(store: Store) -> None:
    digest = digest_of(b"blob")
    store.note_pull(digest, NOW_S)  # it is not here yet
    put(store, b"blob", NOW_S + 0.5)

    assert store.pulled_s(digest) == NOW_S + 0.5


def test_a_blob_that_was_removed_and_came_back_by_another_process_is_noted_at_its_next_pull(store: Store) -> None:
    digest = put(store, b"blob", NOW_S)
    store.remove(digest)
    put(Store(store.layout.root), b"blob", NOW_S + 0.2)
    store.note_pull(digest, NOW_S + 0.5)

    assert store.pulled_s(digest) == NOW_S + 0.5
