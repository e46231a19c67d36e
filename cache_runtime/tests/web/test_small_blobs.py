"""Small blobs in memory: right bytes only, no longer than their files lie there, and never more than so many."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from doubles.volume import put
from dtr_content_cache.storage import Store
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.web.small_blobs import LOOKED_AT_EVERY_S, SmallBlob, SmallBlobs

BODY = random.Random(3).randbytes(3000)
NOW_S = 1000.0
LATER_S = NOW_S + LOOKED_AT_EVERY_S


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path))
    store.prepare()
    return store


def read(small: SmallBlobs, store: Store, digest: Digest) -> SmallBlob | None:
    blob = store.open(digest)
    assert blob is not None
    try:
        return small.read(digest, blob, NOW_S)
    finally:
        store.files.close(blob.fd)


def test_a_copy_is_the_rest_of_the_answer(store: Store) -> None:
    small, digest = SmallBlobs(store, (("X-Office", "Bonn"),)), put(store, BODY)

    made = read(small, store, digest)

    assert made is not None
    head, _, body = made.kept.partition(b"\r\n\r\n")
    assert (body, made.size) == (BODY, 3000)
    assert b"Content-Length: 3000" in head
    assert b"X-Office: Bonn" in head
    assert small.kept(digest, NOW_S) is made


def test_what_was_never_read_is_not_there(store: Store) -> None:
    assert SmallBlobs(store, ()).kept(put(store, BODY), NOW_S) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: path.unlink(), id="evicted"),
        pytest.param(lambda path: path.write_bytes(BODY), id="written anew"),
        pytest.param(lambda path: (path.unlink(), path.write_bytes(BODY)), id="replaced"),
        pytest.param(lambda path: (path.unlink(), path.symlink_to("/etc/hostname")), id="a link"),
    ],
)
def test_a_copy_goes_with_its_file(store: Store, change) -> None:
    small, digest = SmallBlobs(store, ()), put(store, BODY)
    path = Path(store.layout.data(digest))
    os.utime(path, ns=(1, 1))  # so that writing it anew cannot fall into the same tick of the kernel's clock
    read(small, store, digest)
    assert small.kept(digest, LATER_S) is not None

    change(path)

    assert small.kept(digest, LATER_S + LOOKED_AT_EVERY_S) is None
    assert small.kept(digest, LATER_S) is None, "gone is gone"


def test_a_clock_that_jumps_back_keeps_no_copy_alive(store: Store) -> None:
    small, digest = SmallBlobs(store, ()), put(store, BODY)
    read(small, store, digest)
    Path(store.layout.data(digest)).unlink()

    assert small.kept(digest, NOW_S - 3600) is None


@pytest.mark.parametrize("rot", [BODY[:-1] + b"?", BODY[:-1], b""])
def test_wrong_bytes_are_never_kept_whoever_vouched_for_the_file(store: Store, rot: bytes) -> None:
    small, digest = SmallBlobs(store, ()), put(store, BODY)
    Path(store.layout.data(digest)).write_bytes(rot)

    assert read(small, store, digest) is None
    assert small.kept(digest, NOW_S) is None


def test_a_file_that_shrinks_while_it_is_read_is_not_kept(store: Store) -> None:
    small, digest = SmallBlobs(store, ()), put(store, BODY)
    blob = store.open(digest)
    assert blob is not None
    Path(store.layout.data(digest)).write_bytes(b"short")

    assert small.read(digest, blob, NOW_S) is None
    store.files.close(blob.fd)


def test_what_was_not_asked_for_longest_makes_room(store: Store) -> None:
    bodies = [random.Random(number).randbytes(3000) for number in range(4)]
    digests = [put(store, body) for body in bodies]
    small = SmallBlobs(store, (), limit_bytes=3 * 5100)  # of 3000 bytes, a head and the entry itself
    for digest in digests[:3]:
        read(small, store, digest)
    assert small.kept(digests[0], NOW_S) is not None

    read(small, store, digests[3])

    assert [small.kept(digest, NOW_S) is not None for digest in digests] == [True, False, True, True]


def test_memory_stays_within_its_limit_whatever_is_read(store: Store) -> None:
    limit = 20_000
    small, source = SmallBlobs(store, (), limit_bytes=limit), random.Random(5)
    digests = [put(store, source.randbytes(source.randrange(9000))) for _ in range(30)]
    for digest in (source.choice(digests) for _ in range(300)):
        if small.kept(digest, NOW_S) is None:
            read(small, store, digest)
        held = sum(len(found.kept) for one in set(digests) if (found := small.kept(one, NOW_S)))
        assert 0 < held <= limit
