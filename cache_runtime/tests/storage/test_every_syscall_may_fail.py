"""The Nth system call on the volume fails, for every N: no wrong bytes, no descriptor lost, service again at once."""

from __future__ import annotations

import errno
import itertools
import time
from pathlib import Path

import pytest
from doubles.files import CALLS, SHORT_WRITE, FailingFiles
from doubles.volume import NOW_S, digest_of, leftovers, put, read, wrong_blobs
from dtr_content_cache.storage import Files, Store
from dtr_content_cache.values.failures import NoSpace, StorageBroken

ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EMFILE", "EACCES", "EROFS")
OLD, NEW = b"an older blob" * 50, b"a new blob" * 1000


def life_of_a_blob(store: Store) -> None:
    """Everything that a store is asked to do, each step on its own: one that fails does not excuse the next."""
    steps = [
        store.prepare,
        store.probe,
        lambda: store.remember(b'{"version": 1}'),
        store.recall,
        lambda: put(store, NEW),
        lambda: store.note_pull(digest_of(OLD), NOW_S + 5),
        lambda: store.pulled_s(digest_of(OLD)),
        lambda: list(store.walk()),
        lambda: store.sweep_leftovers(time.time(), 3600),
        store.space,
        lambda: store.remove(digest_of(NEW)),
        lambda: store.quarantine(digest_of(NEW)),
        lambda: closed(store),
    ]
    said = []
    for step in steps:
        try:
            step()
        except (NoSpace, StorageBroken) as failure:
            said.append(str(failure))
    assert "/" not in "".join(said), "a failure must not show a path"


def closed(store: Store) -> None:
    blob = store.open(digest_of(OLD))
    if blob is not None:
        store.files.close(blob.fd)


def after_the_fault(root: Path) -> None:
    store = Store(str(root), FailingFiles())
    assert wrong_blobs(root) == []
    store.prepare()
    store.probe()
    for data in (OLD, NEW):
        assert read(store, put(store, data)) == data
    store.sweep_leftovers(time.time() + 8 * 86400, 3600)
    assert leftovers(root) == []


@pytest.mark.parametrize("forever", [False, True], ids=["once", "for-ever"])
@pytest.mark.parametrize("error", [*ERRORS, "short write"])
def test_no_failing_call_leaves_wrong_bytes_or_a_descriptor(tmp_path: Path, error: str, forever: bool) -> None:
    number = SHORT_WRITE if error == "short write" else getattr(errno, error)
    for nth in itertools.count(1):
        root = tmp_path / str(nth)
        before = Store(str(root), FailingFiles())
        before.prepare()
        put(before, OLD)
        files = FailingFiles(nth, number, forever=forever)

        life_of_a_blob(Store(str(root), files))

        assert files.opened == set(), f"call {nth} leaked a descriptor"
        after_the_fault(root)
        if files.failed == 0:
            break
    assert nth > 40, "the sweep must reach every call of the scenario"


def test_the_sweep_knows_every_call_of_the_seam() -> None:
    methods = {name for name in vars(Files) if not name.startswith("_")}

    assert methods == {*CALLS, "close"}


def test_a_volume_that_takes_no_byte_any_more_ends_the_write_instead_of_asking_for_ever(tmp_path: Path) -> None:
    class Full(Files):
        def pwrite(self, fd: int, view: memoryview, offset: int) -> int:
            return 0

    store = Store(str(tmp_path), Full())
    store.prepare()
    unfinished = store.begin(digest_of(NEW))

    with pytest.raises(StorageBroken):
        unfinished.write(memoryview(NEW), 0)

    unfinished.close()


def test_a_short_write_of_the_remembered_document_is_carried_on(tmp_path: Path) -> None:
    document = b'{"version": 1, "origin": "https://dtr.example.com"}'
    files = FailingFiles(1, SHORT_WRITE, forever=True)
    store = Store(str(tmp_path), files)
    store.prepare()

    store.remember(document)

    assert store.recall() == document


@pytest.mark.parametrize("nth", range(1, 6))
def test_a_document_that_cannot_be_kept_leaves_the_old_one(tmp_path: Path, nth: int) -> None:
    Store(str(tmp_path)).prepare()
    Store(str(tmp_path)).remember(b"old")
    files = FailingFiles(nth, errno.ENOSPC)

    try:
        Store(str(tmp_path), files).remember(b"new")
        kept = b"new"
    except NoSpace:
        kept = b"old"

    assert Store(str(tmp_path)).recall() == kept
    assert leftovers(tmp_path) == []
