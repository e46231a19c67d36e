"""Several caches on one directory: nobody ever reads wrong bytes, nobody's fill is swept away by another."""

from __future__ import annotations

import os
import random
import time
import traceback
from pathlib import Path

from doubles.clock import HandMovedClock
from doubles.volume import digest_of, leftovers, put, read, wrong_blobs
from dtr_content_cache.storage import Store

BLOBS = [bytes([number]) * 20_000 for number in range(4)]


def a_busy_process(root: Path, seed: int, rounds: int) -> int:
    """Its pid. It exits with 0 if it only ever saw right bytes and no failure."""
    child = os.fork()
    if child:
        return child
    try:
        store, chance = Store(str(root)), random.Random(seed)
        for _ in range(rounds):
            data = chance.choice(BLOBS)
            act = chance.random()
            if act < 0.4:
                put(store, data)
            elif act < 0.7:
                assert read(store, digest_of(data)) in (None, data)
            elif act < 0.9:
                store.remove(digest_of(data))
            else:
                list(store.walk())
                store.sweep_leftovers(time.time(), 0)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def test_four_processes_that_store_read_remove_and_sweep_never_meet_wrong_bytes(tmp_path: Path) -> None:
    Store(str(tmp_path)).prepare()
    children = [a_busy_process(tmp_path, seed, 300) for seed in range(4)]

    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]

    assert codes == [0, 0, 0, 0]
    assert wrong_blobs(tmp_path) == []
    assert leftovers(tmp_path) == []


def test_a_store_made_while_another_makes_the_same_folders_is_no_mistake(tmp_path: Path) -> None:
    children = []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            try:
                Store(str(tmp_path / "deep/er/root")).prepare()
                os._exit(0)
            except BaseException:
                os._exit(1)
        children.append(child)

    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 6


def test_of_two_processes_that_store_the_same_blob_the_first_ones_file_stays(tmp_path: Path) -> None:
    ours, others = Store(str(tmp_path)), Store(str(tmp_path))
    ours.prepare()
    digest = put(ours, BLOBS[0])
    before = ours.identity(digest)
    second = others.begin(digest)
    second.write(memoryview(BLOBS[0]), 0)

    assert others.keep(second, HandMovedClock()) is None, "it did not write that file, so it must not trust it"
    assert ours.identity(digest) == before
    assert leftovers(tmp_path) == []
    assert ours.files.pread(second.fd, 20_000, 0) == BLOBS[0], "whoever reads from it reads on"
    second.close()


def test_a_file_of_another_size_in_the_blobs_place_is_replaced(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.prepare()
    digest = put(store, BLOBS[0])
    Path(store.layout.data(digest)).write_bytes(BLOBS[0][:-1])

    put(store, BLOBS[0])

    assert read(store, digest) == BLOBS[0]


def test_what_another_process_puts_in_place_has_another_identity(tmp_path: Path) -> None:
    ours, others = Store(str(tmp_path)), Store(str(tmp_path))
    ours.prepare()
    digest = put(ours, BLOBS[0])
    before = ours.open(digest)
    others.remove(digest)
    put(others, BLOBS[0])
    after = ours.open(digest)

    assert before is not None
    assert after is not None
    assert before.identity != after.identity
    for blob in (before, after):
        ours.files.close(blob.fd)
