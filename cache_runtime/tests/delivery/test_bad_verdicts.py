"""A verdict that is bad, or that cannot be had: what becomes of the file, and what readers are told."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from doubles.desk import verdicts_of
from doubles.volume import put, rotten
from dtr_content_cache.delivery.verification import Verdicts, Verification
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import BlobQuarantined, Fault, StorageTrouble
from dtr_content_cache.values.failures import StorageBroken, UpstreamUnavailable, WrongBytes

LARGE = random.Random(5).randbytes(2_000_000)


SMALL = LARGE[:1000]


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_rot_that_many_wait_for_is_set_aside_and_counted_once(hangar: Any, data: bytes) -> None:
    lost: list[tuple[Digest, int]] = []
    verdicts = Verdicts(hangar.store, hangar.threads, hangar.events.append, lambda *what: lost.append(what))
    digest = rotten(hangar.store, data)

    async def wait() -> bool | None:
        blob = hangar.store.open(digest)
        if blob is None:
            return False  # set aside already
        check = verdicts.check(digest, blob)
        try:
            return await verdicts.settled(check)
        finally:
            check.release()

    async def work() -> list[bool | None]:
        return await asyncio.gather(*(wait() for _ in range(8)))

    assert hangar.run(work) == [False] * 8
    assert lost == [(digest, len(data))]
    assert [type(event) for event in hangar.events] == [BlobQuarantined]


@pytest.mark.parametrize("what", ["cut", "unreadable"])
def test_a_file_that_ends_early_or_cannot_be_read_has_a_bad_verdict(
    hangar: Any, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = put(hangar.store, LARGE, 1.0)
    blob = hangar.store.open(digest)

    def unreadable(fd: int, view: memoryview, offset: int) -> int:
        raise OSError(5, "EIO")

    if what == "cut":
        os.truncate(hangar.store.layout.data(digest), 1_500_000)
    else:
        monkeypatch.setattr(hangar.store.files, "pread_into", unreadable)

    async def work() -> bool:
        return Verification(blob, digest, hangar.store).hash_all()

    assert hangar.run(work) is False
    hangar.store.files.close(blob.fd)


def test_readers_of_what_turns_out_rotten_are_cut(hangar: Any) -> None:
    digest = put(hangar.store, LARGE, 1.0)

    async def work() -> None:
        check = Verification(hangar.store.open(digest), digest, hangar.store)
        check.hashed, check.verdict = len(LARGE), False
        with pytest.raises(WrongBytes):
            await check.available(0, len(LARGE))
        check.release()

    hangar.run(work)


class _NoThread(ThreadPoolExecutor):
    """On a machine that has no thread to spare: the work is kept for one that may come, and its giver is told."""

    def submit(self, work: Callable[[], Any], /) -> Any:  # type: ignore[override]
        self.kept = work
        raise RuntimeError("can't start new thread")


def test_who_waits_for_a_hashing_that_cannot_run_is_told_and_the_file_stays(hangar: Any) -> None:
    digest, threads = put(hangar.store, LARGE, 1.0), _NoThread(1)
    verdicts = Verdicts(hangar.store, threads, hangar.events.append, lambda digest, size: None)

    async def work() -> None:
        check = verdicts.check(digest, hangar.store.open(digest))
        following = asyncio.create_task(check.available(0, len(LARGE)))
        for waiting in (verdicts.settled(check), following, verdicts.settled(check)):
            with pytest.raises(UpstreamUnavailable):
                await waiting
        assert (threads.kept(), check.hashed) == (False, 0), "a thread that comes too late reads nothing"
        check.release()

    hangar.run(work)
    [event] = hangar.events
    assert (type(event), event.where) == (Fault, "verification")
    assert hangar.store.identity(digest) is not None


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_hashing_that_breaks_judges_nothing_keeps_no_descriptor_and_is_begun_anew_by_the_next(
    hangar: Any, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, verdicts, closed = put(hangar.store, data, 1.0), verdicts_of(hangar), []
    real_close = hangar.store.files.close
    monkeypatch.setattr(hangar.store.files, "close", lambda fd: closed.append(fd) or real_close(fd))

    def no_memory(fd: int, view: memoryview, offset: int) -> int:
        raise MemoryError

    async def settled() -> bool | None:
        blob = hangar.store.open(digest)
        check = verdicts.check(digest, blob)
        try:
            return await verdicts.settled(check)
        finally:
            check.release()
            await asyncio.gather(*verdicts._tasks)
            assert closed.pop() == blob.fd

    with monkeypatch.context() as patch:
        patch.setattr(hangar.store.files, "pread_into", no_memory)
        with pytest.raises(UpstreamUnavailable):
            hangar.run(settled)
    assert [type(event) for event in hangar.events] == [Fault]
    assert hangar.run(settled) is True


def test_a_file_that_was_replaced_while_the_old_one_was_judged_is_not_set_aside(hangar: Any) -> None:
    digest = rotten(hangar.store, SMALL)

    async def work() -> None:
        old = hangar.store.open(digest)
        path = hangar.store.layout.data(digest)
        with open(f"{path}.new", "wb") as file:
            file.write(SMALL)
        os.rename(f"{path}.new", path)
        check = verdicts_of(hangar).check(digest, old)

        assert check.verdict is False
        assert hangar.store.identity(digest) is not None
        check.release()

    hangar.run(work)
    assert hangar.events == []


def test_rot_on_a_volume_that_cannot_be_opened_again_is_told_twice_and_trusted_never(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, verdicts = rotten(hangar.store, SMALL), verdicts_of(hangar)
    blob = hangar.store.open(digest)

    def fails(digest: Digest) -> None:
        raise StorageBroken("opening: EIO")

    monkeypatch.setattr(hangar.store, "open", fails)

    async def work() -> None:
        verdicts.check(digest, blob).release()

    hangar.run(work)
    assert [type(event) for event in hangar.events] == [StorageTrouble, BlobQuarantined]
    assert not verdicts.trusts(digest, blob.identity)


def test_rot_is_told_with_its_digest_closed_and_forgotten(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, opened, closed = rotten(hangar.store, SMALL), [], []
    files = hangar.store.files
    real_open, real_close = files.open, files.close
    verdicts = verdicts_of(hangar)
    monkeypatch.setattr(files, "open", lambda *args: opened.append(real_open(*args)) or opened[-1])
    monkeypatch.setattr(files, "close", lambda fd: closed.append(fd) or real_close(fd))

    async def work() -> None:
        blob = hangar.store.open(digest)
        verdicts.trust(digest, blob.identity)
        verdicts.check(digest, blob).release()
        assert not verdicts.trusts(digest, blob.identity)

    hangar.run(work)
    assert sorted(opened) == sorted(closed)
    assert [event.digest for event in hangar.events] == [str(digest)]
