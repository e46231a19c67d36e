"""When a blob was last pulled is on the volume within a second, and survives whatever the process does not."""

from __future__ import annotations

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


def test_it_is_written_at_most_once_a_second(store: Store) -> None:
    digest = put(store, b"blob", NOW_S)

    store.note_pull(digest, NOW_S + 0.9)
    assert store.pulled_s(digest) == NOW_S

    store.note_pull(digest, NOW_S + 1.1)
    assert store.pulled_s(digest) == NOW_S + 1.1


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
    monkeypatch.setattr("dtr_content_cache.storage.store._NOTED_LIMIT", 10)
    files = FailingFiles()
    bounded = Store(store.layout.root, files)

    for number in range(100):
        bounded.note_pull(digest_of(str(number).encode()), NOW_S)

    assert files.calls == 100
    assert len(bounded._noted) <= 10
