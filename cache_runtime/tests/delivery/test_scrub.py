"""The scrub looks at every blob, slowly, and touches nothing that it has not read wrong itself."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from doubles.volume import put
from dtr_content_cache.delivery import scrub
from dtr_content_cache.delivery.scrub import Scrubber
from dtr_content_cache.storage import Store, StoredBlob
from dtr_content_cache.values import gentle
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import BlobQuarantined, Fault, StorageTrouble
from dtr_content_cache.values.failures import StorageBroken
from dtr_content_cache.values.gentle import Gentle

DATA = random.Random(93).randbytes(600_000)


class Round:
    """A scrubber on the hangar's volume; `slept` are its pauses, `lost` what it set aside."""

    def __init__(self, hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hangar = hangar
        self.lost: list[tuple[Digest, int]] = []
        self.slept: list[float] = []
        self.scrubber = Scrubber(
            hangar.store, hangar.threads, hangar.events.append, lambda *what: self.lost.append(what)
        )
        monkeypatch.setattr(gentle.time, "sleep", self.slept.append)

    def rotten(self, at: int) -> Digest:
        digest = put(self.hangar.store, DATA, 1.0)
        with open(self.hangar.store.layout.data(digest), "r+b") as file:
            file.seek(at)
            file.write(bytes([DATA[at] ^ 1]))
        return digest


@pytest.fixture
def round_(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> Round:
    return Round(hangar, monkeypatch)


@pytest.mark.parametrize("at", [0, 262_144, len(DATA) - 1])
def test_a_wrong_byte_anywhere_is_found_told_and_set_aside(round_: Round, at: int) -> None:
    digest = round_.rotten(at)
    round_.scrubber.scrub()

    assert round_.lost == [(digest, len(DATA))]
    assert round_.hangar.store.identity(digest) is None
    [event] = round_.hangar.events
    assert (type(event), event.digest) == (BlobQuarantined, str(digest))


def test_a_good_blob_is_read_whole_at_the_scrubs_own_pace_and_stays(round_: Round) -> None:
    digest = put(round_.hangar.store, DATA, 1.0)
    round_.scrubber.scrub()

    assert round_.hangar.store.identity(digest) is not None
    assert sum(round_.slept) == pytest.approx(len(DATA) / scrub.SCRUB_BYTES_PER_S)
    assert (round_.lost, round_.hangar.events) == ([], [])


def test_many_small_blobs_are_read_no_faster_than_others_can_bear(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    had = iter(range(100))
    monkeypatch.setattr(gentle.time, "thread_time", lambda: 0.5 * next(had))
    for number in range(3):
        put(round_.hangar.store, b"%d" % number, 1.0)
    round_.scrubber.scrub()

    assert round_.slept == [2.5, 2.5, 2.5]


def test_a_blob_that_is_evicted_before_the_scrub_reaches_it_is_passed_over(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, rotten = StoredBlob(Digest("0" * 64), 10, 1.0), round_.rotten(7)
    monkeypatch.setattr(round_.hangar.store, "walk", lambda: iter([gone, StoredBlob(rotten, len(DATA), 1.0)]))
    round_.scrubber.scrub()

    assert round_.lost == [(rotten, len(DATA))]


def test_a_scrub_that_is_stopped_in_the_middle_of_a_blob_says_nothing_of_it(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = round_.rotten(0)

    def stop(seconds: float) -> None:
        round_.scrubber._stopping = True

    monkeypatch.setattr(gentle.time, "sleep", stop)
    round_.scrubber.scrub()

    assert (round_.lost, round_.hangar.events) == ([], [])
    assert round_.hangar.store.identity(digest) is not None


def test_a_file_that_was_cut_short_while_it_was_read_is_set_aside(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = put(round_.hangar.store, DATA, 1.0)
    real = round_.hangar.store.files.pread_into
    monkeypatch.setattr(
        round_.hangar.store.files, "pread_into", lambda fd, view, at: real(fd, view, at) if at == 0 else 0
    )
    round_.scrubber.scrub()

    assert round_.lost == [(digest, len(DATA))]


def test_the_scrub_closes_what_it_opened(round_: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    put(round_.hangar.store, DATA[:-1], 1.0)
    round_.rotten(3)
    opened, closed = [], []
    files = round_.hangar.store.files
    real_open, real_close = files.open, files.close
    monkeypatch.setattr(files, "open", lambda *args: opened.append(real_open(*args)) or opened[-1])
    monkeypatch.setattr(files, "close", lambda fd: closed.append(fd) or real_close(fd))
    round_.scrubber.scrub()

    assert sorted(opened) == sorted(closed)
    assert len(opened) == 3, "one good, one rotten and looked at again"


def test_a_rotten_blob_that_is_evicted_before_it_is_set_aside_is_nobodys_loss(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, real, looks = round_.rotten(0), round_.hangar.store.open, []

    def evicted(digest: Digest) -> Any:
        looks.append(digest)
        return real(digest) if len(looks) == 1 else None

    monkeypatch.setattr(round_.hangar.store, "open", evicted)
    round_.scrubber.scrub()

    assert looks == [digest, digest]
    assert (round_.lost, round_.hangar.events) == ([], [])


@pytest.mark.parametrize(
    ("error", "said"), [(OSError(5, "Input/output error"), "Input/output error"), (OSError(), "error")]
)
def test_a_blob_that_cannot_be_read_is_told_without_its_path(
    round_: Round, monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    put(round_.hangar.store, DATA, 1.0)

    def unreadable(fd: int, view: memoryview, offset: int) -> int:
        raise error

    monkeypatch.setattr(round_.hangar.store.files, "pread_into", unreadable)
    round_.scrubber.scrub()

    assert [(event.operation, event.reason) for event in round_.hangar.events] == [("scrubbing", said)]


def test_a_blob_that_cannot_be_opened_keeps_no_other_from_being_looked_at(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable, rotten = put(round_.hangar.store, DATA[1:], 1.0), round_.rotten(7)
    real = round_.hangar.store.open

    def opened(digest: Digest) -> Any:
        if digest == unreadable:
            raise StorageBroken("opening: EIO")
        return real(digest)

    stored = [StoredBlob(digest, len(DATA), 1.0) for digest in (unreadable, rotten)]
    monkeypatch.setattr(round_.hangar.store, "walk", lambda: iter(stored))
    monkeypatch.setattr(round_.hangar.store, "open", opened)
    round_.scrubber.scrub()

    assert round_.lost == [(rotten, len(DATA))]
    trouble, quarantined = round_.hangar.events
    assert (trouble.operation, trouble.reason, type(quarantined)) == ("scrubbing", "opening: EIO", BlobQuarantined)


class _Days:
    """Instead of `asyncio`, a loop whose rounds take `round_s` and whose sleeps end at the third."""

    def __init__(self, round_s: float, fault: Exception | None = None) -> None:
        self.fault = fault
        self.now_s, self._round_s = 100.0, round_s
        self.slept: list[float] = []
        self.rounds: list[Any] = []

    def get_running_loop(self) -> _Days:
        return self

    def time(self) -> float:
        return self.now_s

    async def run_in_executor(self, threads: Any, work: Any) -> None:
        self.rounds.append(work)
        self.now_s += self._round_s
        if self.fault is not None:
            raise self.fault

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
        if len(self.slept) == 3:
            raise asyncio.CancelledError


@pytest.mark.parametrize(("round_s", "rests_s"), [(400.0, 86_000.0), (86_340.0, 60.0), (90_000.0, 60.0)])
def test_a_round_begins_once_a_day_and_a_minute_after_the_last_at_the_soonest(
    round_: Round, monkeypatch: pytest.MonkeyPatch, round_s: float, rests_s: float
) -> None:
    days = _Days(round_s)
    with monkeypatch.context() as patch:
        patch.setattr(scrub, "asyncio", days)
        running = round_.scrubber.run()
        with pytest.raises(asyncio.CancelledError):
            running.send(None)

    assert days.slept == [60.0, rests_s, rests_s]
    assert days.rounds == [round_.scrubber.scrub] * 2
    assert round_.scrubber._stopping


def test_a_fault_in_a_round_is_told_and_the_next_round_comes_all_the_same(
    round_: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = _Days(400.0, ZeroDivisionError())
    with monkeypatch.context() as patch:
        patch.setattr(scrub, "asyncio", days)
        with pytest.raises(asyncio.CancelledError):
            round_.scrubber.run().send(None)

    assert (len(days.rounds), days.slept) == (2, [60.0, 86_000.0, 86_000.0])
    assert [(type(event), event.where) for event in round_.hangar.events] == [(Fault, "scrubber")] * 2


def test_a_scrub_that_is_told_to_stop_looks_at_no_further_blob(round_: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    put(round_.hangar.store, DATA[1:], 1.0)
    put(round_.hangar.store, DATA, 1.0)
    looked: list[StoredBlob] = []

    def look_at(blob: StoredBlob, thread: Gentle) -> None:
        looked.append(blob)
        round_.scrubber._stopping = True

    monkeypatch.setattr(round_.scrubber, "_look_at", look_at)
    round_.scrubber.scrub()

    assert len(looked) == 1


LARGE = random.Random(5).randbytes(2_000_000)


SMALL = LARGE[:1000]


def _rotten(hangar: Any, data: bytes) -> Digest:
    digest = put(hangar.store, data, 1.0)
    path = hangar.store.layout.data(digest)
    with open(path, "r+b") as file:
        file.write(bytes([data[0] ^ 1]))
    return digest


def test_rot_that_the_scrub_finds_is_counted_too(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[tuple[Digest, int]] = []
    good, rotten = put(hangar.store, SMALL[1:], 1.0), _rotten(hangar, SMALL)

    Scrubber(hangar.store, hangar.threads, hangar.events.append, lambda *what: lost.append(what)).scrub()

    assert lost == [(rotten, len(SMALL))]
    blob = hangar.store.open(good)
    assert blob is not None
    hangar.store.files.close(blob.fd)


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
