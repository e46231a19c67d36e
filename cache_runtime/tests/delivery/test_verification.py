"""One hashing for all who ask meanwhile, one verdict, and what follows from a bad one once."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import pytest
from doubles.volume import put
from dtr_content_cache.delivery import scrub, verification
from dtr_content_cache.delivery.delivery import CheckedDelivery
from dtr_content_cache.delivery.limits import HOLD_BACK_BYTES
from dtr_content_cache.delivery.progress import Progress
from dtr_content_cache.delivery.scrub import Scrubber
from dtr_content_cache.delivery.verification import Verdicts, Verification
from dtr_content_cache.storage import Store
from dtr_content_cache.values.byte_range import ByteRange
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import BlobQuarantined, StorageTrouble
from dtr_content_cache.values.failures import StorageBroken, WrongBytes

LARGE = random.Random(5).randbytes(2_000_000)
SMALL = LARGE[:1000]


def _rotten(hangar: Any, data: bytes) -> Digest:
    digest = put(hangar.store, data, 1.0)
    path = hangar.store.layout.data(digest)
    with open(path, "r+b") as file:
        file.write(bytes([data[0] ^ 1]))
    return digest


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_rot_that_many_wait_for_is_set_aside_and_counted_once(hangar: Any, data: bytes) -> None:
    lost: list[tuple[Digest, int]] = []
    verdicts = Verdicts(hangar.store, hangar.threads, hangar.events.append, lambda *what: lost.append(what))
    digest = _rotten(hangar, data)

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


def test_rot_that_the_scrub_finds_is_counted_too(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[tuple[Digest, int]] = []
    good, rotten = put(hangar.store, SMALL[1:], 1.0), _rotten(hangar, SMALL)

    Scrubber(hangar.store, hangar.threads, hangar.events.append, lambda *what: lost.append(what)).scrub()

    assert lost == [(rotten, len(SMALL))]
    blob = hangar.store.open(good)
    assert blob is not None
    hangar.store.files.close(blob.fd)


def _unheld_verdicts(hangar: Any) -> Verdicts:
    return Verdicts(hangar.store, hangar.threads, hangar.events.append, lambda digest, size: None)


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


def test_readers_of_what_turns_out_rotten_are_cut(hangar: Any) -> None:
    digest = put(hangar.store, LARGE, 1.0)

    async def work() -> None:
        check = Verification(hangar.store.open(digest), digest, hangar.store)
        check.hashed, check.verdict = len(LARGE), False
        with pytest.raises(WrongBytes):
            await check.available(0, len(LARGE))
        check.release()

    hangar.run(work)


def test_a_verdict_that_takes_too_long_is_not_waited_for(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "PATIENCE_S", 0.01)
    digest = put(hangar.store, LARGE, 1.0)

    async def work() -> bool | None:
        check = Verification(hangar.store.open(digest), digest, hangar.store)
        try:
            return await _unheld_verdicts(hangar).settled(check)
        finally:
            check.release()

    assert hangar.run(work) is None


def test_a_file_that_was_replaced_while_the_old_one_was_judged_is_not_set_aside(hangar: Any) -> None:
    digest = _rotten(hangar, SMALL)

    async def work() -> None:
        old = hangar.store.open(digest)
        path = hangar.store.layout.data(digest)
        with open(f"{path}.new", "wb") as file:
            file.write(SMALL)
        os.rename(f"{path}.new", path)
        check = _unheld_verdicts(hangar).check(digest, old)

        assert check.verdict is False
        assert hangar.store.identity(digest) is not None
        check.release()

    hangar.run(work)
    assert hangar.events == []


def test_rot_on_a_volume_that_cannot_be_opened_again_is_told_twice_and_trusted_never(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, verdicts = _rotten(hangar, SMALL), _unheld_verdicts(hangar)
    blob = hangar.store.open(digest)

    def fails(digest: Digest) -> None:
        raise StorageBroken("opening: EIO")

    monkeypatch.setattr(hangar.store, "open", fails)

    async def work() -> None:
        verdicts.check(digest, blob).release()

    hangar.run(work)
    assert [type(event) for event in hangar.events] == [StorageTrouble, BlobQuarantined]
    assert not verdicts.trusts(digest, blob.identity)


def test_the_memory_of_verdicts_is_bounded_and_the_oldest_is_judged_anew(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "VERDICTS_LIMIT", 2)
    verdicts = _unheld_verdicts(hangar)
    digests = [Digest(f"{number:064x}") for number in range(3)]
    for digest in digests:
        verdicts.trust(digest, (1, 2, 3, 4, 5))

    assert [verdicts.trusts(digest, (1, 2, 3, 4, 5)) for digest in digests] == [False, True, True]
    verdicts.distrust(digests[2])
    assert not verdicts.trusts(digests[2], (1, 2, 3, 4, 5))


@pytest.mark.parametrize("what", ["vanishes", "unreadable", "replaced"])
def test_the_scrub_sets_aside_only_what_it_has_read_and_still_finds(
    hangar: Any, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, real = _rotten(hangar, SMALL), Store.open
    opened: list[Digest] = []

    def open_(digest: Digest) -> Any:
        opened.append(digest)
        if what == "vanishes":
            return None
        if what == "replaced" and len(opened) == 2:
            hangar.store.remove(digest)
            put(hangar.store, SMALL, 1.0)
        return real(hangar.store, digest)

    def unreadable(fd: int, *more: Any) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(hangar.store, "open", open_)
    if what == "unreadable":
        monkeypatch.setattr(hangar.store.files, "pread_into", unreadable)
    lost: list[Any] = []
    Scrubber(hangar.store, hangar.threads, hangar.events.append, lambda *what: lost.append(what)).scrub()

    assert lost == []
    assert hangar.store.identity(digest) is not None
    assert [type(event) for event in hangar.events] == ([StorageTrouble] if what == "unreadable" else [])


def test_the_scrub_goes_round_again_and_ends_when_it_is_told_to(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrub, "_FIRST_AFTER_S", 0.0)
    rotten = _rotten(hangar, LARGE)
    lost: list[Any] = []

    async def work() -> None:
        scrubber = Scrubber(hangar.store, hangar.threads, hangar.events.append, lambda *what: lost.append(what))
        running = asyncio.create_task(scrubber.run())
        while not lost:
            await asyncio.sleep(0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        again = _rotten(hangar, SMALL)
        scrubber.scrub()
        assert hangar.store.identity(again) is not None, "one that was told to stop looks at nothing more"

    hangar.run(work)
    assert lost == [(rotten, len(LARGE))]


def test_a_volume_that_cannot_be_walked_ends_the_scrub_with_a_word(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> Any:
        raise StorageBroken("listing: EIO")

    monkeypatch.setattr(hangar.store, "walk", fails)
    Scrubber(hangar.store, hangar.threads, hangar.events.append, lambda digest, size: None).scrub()

    assert [event.reason for event in hangar.events] == ["listing: EIO"]


def test_a_thread_that_still_moves_bytes_when_the_loop_has_ended_wakes_nobody_and_does_not_fail() -> None:
    loop = asyncio.new_event_loop()
    progress = Progress(loop)
    loop.close()

    progress.advance()
