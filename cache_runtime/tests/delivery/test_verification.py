"""One hashing for all who ask meanwhile, and one verdict; a bad one is test_bad_verdicts.py's."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from doubles.desk import verdicts_of
from doubles.volume import put
from dtr_content_cache.delivery import verification
from dtr_content_cache.delivery.delivery import CheckedDelivery
from dtr_content_cache.delivery.limits import HOLD_BACK_BYTES
from dtr_content_cache.delivery.progress import Progress
from dtr_content_cache.delivery.verification import Verification
from dtr_content_cache.values.byte_range import ByteRange
from dtr_content_cache.values.digest import Digest

LARGE = random.Random(5).randbytes(2_000_000)
SMALL = LARGE[:1000]


def test_readers_follow_a_long_hashing_up_to_the_last_bytes_and_get_those_with_the_verdict(hangar: Any) -> None:
    digest = put(hangar.store, LARGE, 1.0)

    async def work() -> None:
        check = Verification(hangar.store.open(digest), digest, hangar.store)
        delivery = CheckedDelivery(check)
        pieces = delivery.pieces(ByteRange(0, len(LARGE)))
        check.hashed = 1_000_000
        first = await anext(pieces)
        assert (first.offset, first.length) == (0, 1_000_000)
        check.hashed = len(LARGE)
        second = await anext(pieces)
        assert second.offset + second.length == len(LARGE) - HOLD_BACK_BYTES
        third = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        assert not third.done()
        check.verdict = True
        check.progress.advance()
        last = await third
        assert last.offset + last.length == len(LARGE)
        assert [part async for part in pieces] == []
        delivery.close()

    hangar.run(work)


def test_a_verdict_that_takes_too_long_is_not_waited_for(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "VERDICT_WITHIN_S", 0.01)
    digest = put(hangar.store, LARGE, 1.0)

    async def work() -> bool | None:
        check = Verification(hangar.store.open(digest), digest, hangar.store)
        try:
            return await verdicts_of(hangar).settled(check)
        finally:
            check.release()

    assert hangar.run(work) is None


def test_the_memory_of_verdicts_is_bounded_and_the_oldest_is_judged_anew(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "VERDICTS_LIMIT", 2)
    verdicts = verdicts_of(hangar)
    digests = [Digest(f"{number:064x}") for number in range(3)]
    for digest in digests:
        verdicts.trust(digest, (1, 2, 3, 4, 5))

    assert [verdicts.trusts(digest, (1, 2, 3, 4, 5)) for digest in digests] == [False, True, True]
    verdicts.distrust(digests[2])
    assert not verdicts.trusts(digests[2], (1, 2, 3, 4, 5))


def test_a_thread_that_still_moves_bytes_when_the_loop_has_ended_wakes_nobody_and_does_not_fail() -> None:
    loop = asyncio.new_event_loop()
    progress = Progress(loop)
    loop.close()

    progress.advance()


def test_a_second_identity_of_a_blob_gets_a_hashing_of_its_own(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file was replaced while the old one was being hashed: whoever comes now waits for the new one's verdict."""
    digest, verdicts, release = put(hangar.store, LARGE, 1.0), verdicts_of(hangar), threading.Event()
    real = Verification.hash_all
    monkeypatch.setattr(Verification, "hash_all", lambda check: release.wait(10) and real(check))

    async def work() -> None:
        first = verdicts.check(digest, hangar.store.open(digest))
        path = hangar.store.layout.data(digest)
        with open(f"{path}.new", "wb") as file:
            file.write(LARGE)
        os.rename(f"{path}.new", path)
        second = verdicts.check(digest, hangar.store.open(digest))
        third = verdicts.check(digest, hangar.store.open(digest))
        assert (first is second, second is third) == (False, True)
        release.set()
        assert await verdicts.settled(first) is await verdicts.settled(second) is True
        while verdicts._tasks:
            await asyncio.sleep(0)
        assert verdicts._running == {}
        for check in (first, second, third):
            check.release()

    hangar.run(work)


def test_a_verdict_that_is_there_is_not_waited_for(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "VERDICT_WITHIN_S", 0.0)
    digest = put(hangar.store, SMALL, 1.0)

    async def work() -> bool | None:
        verdicts = verdicts_of(hangar)
        check = verdicts.check(digest, hangar.store.open(digest))
        try:
            return await verdicts.settled(check)
        finally:
            check.release()

    assert hangar.run(work) is True


@pytest.mark.parametrize(("position", "end", "hashed", "until"), [(0, 10, 5, 5), (0, 10, 500, 10), (7, 100, 50, 50)])
def test_a_piece_from_the_middle_follows_the_hashing_to_its_own_end(
    hangar: Any, position: int, end: int, hashed: int, until: int
) -> None:
    digest = put(hangar.store, LARGE, 1.0)

    async def work() -> int:
        check = Verification(hangar.store.open(digest), digest, hangar.store)
        check.hashed = hashed
        try:
            return await check.available(position, end)
        finally:
            check.release()

    assert hangar.run(work) == until


def test_a_verdict_that_comes_between_two_looks_is_not_waited_for(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = put(hangar.store, LARGE, 1.0)

    async def work() -> bool | None:
        check = Verification(hangar.store.open(digest), digest, hangar.store)
        changed = check.progress.changed

        def judged_meanwhile() -> Any:
            check.verdict = True
            return changed()

        monkeypatch.setattr(check.progress, "changed", judged_meanwhile)
        try:
            return await verdicts_of(hangar).settled(check)
        finally:
            check.release()

    assert hangar.run(work) is True


@pytest.mark.parametrize(("size", "at_once"), [(0, True), (128 * 1024, True), (128 * 1024 + 1, False)])
def test_only_what_is_small_is_judged_on_the_spot(hangar: Any, size: int, at_once: bool) -> None:
    digest, verdicts = put(hangar.store, LARGE[:size], 1.0), verdicts_of(hangar)

    async def work() -> None:
        check = verdicts.check(digest, hangar.store.open(digest))
        assert (check.verdict is True, len(verdicts._running)) == (at_once, 0 if at_once else 1)
        assert await verdicts.settled(check) is True
        assert verdicts.trusts(digest, check.blob.identity)
        check.release()

    hangar.run(work)


def test_the_descriptor_is_closed_once_by_the_last_who_holds_it(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, closed = put(hangar.store, SMALL, 1.0), []
    blob, real = hangar.store.open(digest), hangar.store.files.close
    monkeypatch.setattr(hangar.store.files, "close", lambda fd: closed.append(fd) or real(fd))

    async def work() -> None:
        check = Verification(blob, digest, hangar.store)
        check.hold()
        check.release()
        assert closed == []
        check.release()
        assert closed == [blob.fd]

    hangar.run(work)


def test_a_hashing_that_ends_leaves_no_descriptor_and_makes_room_for_the_next(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, verdicts, closed = put(hangar.store, LARGE, 1.0), verdicts_of(hangar), []
    first, second, real = hangar.store.open(digest), hangar.store.open(digest), hangar.store.files.close
    monkeypatch.setattr(hangar.store.files, "close", lambda fd: closed.append(fd) or real(fd))

    async def work() -> None:
        check = verdicts.check(digest, first)
        assert verdicts.check(digest, second) is check
        assert closed == [second.fd], "it goes on with the one that it has"
        [task] = verdicts._tasks
        check.release()
        await task
        assert closed == [second.fd], "somebody still reads"
        check.release()
        assert closed == [second.fd, first.fd]
        assert (verdicts._running, verdicts._tasks) == ({}, set())

    hangar.run(work)


def test_the_end_of_an_older_hashing_leaves_the_newer_one_to_be_joined(hangar: Any) -> None:
    digest, verdicts = put(hangar.store, LARGE, 1.0), verdicts_of(hangar)

    async def work() -> None:
        older, newer = (Verification(hangar.store.open(digest), digest, hangar.store) for _ in range(2))
        verdicts._running[digest.hex] = newer
        older.hold()
        await verdicts._run(older)
        assert verdicts._running == {digest.hex: newer}
        older.release()
        newer.release()

    hangar.run(work)


def test_readers_are_told_of_each_piece_that_is_hashed_and_of_the_verdict(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, hashed = put(hangar.store, LARGE, 1.0), []

    async def work() -> None:
        check = Verification(hangar.store.open(digest), digest, hangar.store)
        monkeypatch.setattr(check.progress, "advance", lambda: hashed.append((check.hashed, check.verdict)))
        verdicts_of(hangar)._conclude(check, check.hash_all())
        check.release()

    hangar.run(work)
    assert hashed == [(1 << 20, None), (len(LARGE), None), (len(LARGE), True)]


@pytest.mark.parametrize(
    ("position", "end", "hashed"),
    [(7, 10, 7), (0, len(LARGE), HOLD_BACK_BYTES), (len(LARGE) - HOLD_BACK_BYTES, len(LARGE), len(LARGE))],
)
def test_what_is_not_hashed_yet_or_waits_for_the_verdict_is_waited_for(
    hangar: Any, position: int, end: int, hashed: int
) -> None:
    digest = put(hangar.store, LARGE, 1.0)

    async def work() -> int:
        check = Verification(hangar.store.open(digest), digest, hangar.store)
        check.hashed = hashed if position else 0
        waiting = asyncio.create_task(check.available(position, end))
        await asyncio.sleep(0)
        assert not waiting.done()
        check.hashed, check.verdict = len(LARGE), True
        check.progress.advance()
        try:
            return await waiting
        finally:
            check.release()

    assert hangar.run(work) == end


def test_a_verdict_is_waited_for_as_long_as_patience_lasts_and_no_longer(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, waits = put(hangar.store, LARGE, 1.0), []
    now_s = iter([100.0, 100.25, 101.0, 102.0])

    async def wait(what: Any, timeout: float) -> None:
        waits.append(timeout)

    async def work() -> None:
        check = Verification(hangar.store.open(digest), digest, hangar.store)
        clock = SimpleNamespace(get_running_loop=lambda: SimpleNamespace(time=lambda: next(now_s)), wait=wait)
        monkeypatch.setattr(verification, "asyncio", clock)
        assert await verdicts_of(hangar).settled(check) is None
        check.release()

    hangar.run(work)
    assert waits == [0.75]
