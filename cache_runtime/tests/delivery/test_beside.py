"""Hashing beside fetching: every piece once, in order, by whoever has time; no buffer is given out too soon."""

from __future__ import annotations

import hashlib
import random
import threading
from contextlib import ExitStack, suppress

import pytest
from doubles.running_cache import eventually
from dtr_content_cache.delivery import beside
from dtr_content_cache.delivery.beside import HashedBeside
from dtr_content_cache.delivery.limits import BESIDE_FROM_BYTES, PIECE_BYTES
from dtr_content_cache.values.failures import StorageBroken

LONG = BESIDE_FROM_BYTES


class _Hashing:
    """Hashes what it is given; waits for `gate` each time in the thread beside; says which threads came."""

    def __init__(self) -> None:
        self.seen = hashlib.sha256()
        self.offsets: list[tuple[int, bool]] = []
        self.threads: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.fails_at: int | None = None

    def __call__(self, view: memoryview, offset: int, all_ours: bool) -> None:
        if threading.current_thread().name == "hash":
            self.gate.wait(10)
        self.threads.append(threading.current_thread().name)
        if offset == self.fails_at:
            raise StorageBroken("reading: EIO")
        self.offsets.append((offset, all_ours))
        self.seen.update(view)


def _put(pieces: HashedBeside, data: bytes, offset: int, *, all_ours: bool = True) -> None:
    pieces.buffer()[: len(data)] = data
    pieces.put(len(data), offset, all_ours=all_ours)


def _put_all(hashing: _Hashing, length: int, count: int, ends_by: Exception | None = None) -> None:
    with HashedBeside(hashing, length) as pieces:
        for number in range(count):
            _put(pieces, b"x", number)
        if ends_by is not None:
            raise ends_by


@pytest.mark.parametrize("length", [LONG, LONG - 1])
def test_every_piece_is_hashed_once_and_in_order(length: int) -> None:
    hashing, data = _Hashing(), random.Random(71).randbytes(40 * 1000)
    with HashedBeside(hashing, length) as pieces:
        for number in range(40):
            _put(pieces, data[number * 1000 : (number + 1) * 1000], number * 1000, all_ours=number % 2 == 0)

    assert hashing.offsets == [(number * 1000, number % 2 == 0) for number in range(40)]
    assert hashing.seen.digest() == hashlib.sha256(data).digest()


def test_what_is_short_is_hashed_without_another_thread() -> None:
    hashing = _Hashing()
    with HashedBeside(hashing, LONG - 1) as pieces:
        for number in range(10):
            _put(pieces, b"x", number)

    assert set(hashing.threads) == {threading.current_thread().name}


def test_of_what_is_long_all_but_the_first_piece_may_be_hashed_beside() -> None:
    hashing = _Hashing()
    with HashedBeside(hashing, LONG) as pieces:
        for number in range(10):
            _put(pieces, b"x", number)
            eventually(lambda number=number: len(hashing.threads) == number + 1)

    assert hashing.threads == [threading.current_thread().name] + 9 * ["hash"]


def test_a_thread_that_gets_no_processor_holds_nobody_up_for_longer_than_its_piece() -> None:
    hashing = _Hashing()
    opened = threading.Timer(0.05, hashing.gate.set)
    with HashedBeside(hashing, LONG) as pieces:
        _put(pieces, b"a", 0)
        hashing.gate.clear()
        _put(pieces, b"b", 1)
        opened.start()
        for number in range(2, 30):
            _put(pieces, b"c", number)
    opened.join()

    assert [offset for offset, _ in hashing.offsets] == list(range(30))


def test_a_buffer_is_not_given_out_again_before_it_is_hashed() -> None:
    hashing = _Hashing()
    with HashedBeside(hashing, LONG) as pieces:
        _put(pieces, b"first", 0)
        hashing.gate.clear()
        hashed = pieces.buffer()
        _put(pieces, b"more", 1)
        filled = pieces.buffer()
        hashing.gate.set()

    assert filled.obj is not hashed.obj


@pytest.mark.parametrize("length", [LONG, LONG - 1])
def test_what_goes_wrong_while_hashing_ends_the_leg(length: int) -> None:
    hashing = _Hashing()
    hashing.fails_at = 2
    with pytest.raises(StorageBroken, match="EIO"):
        _put_all(hashing, length, 4)


def test_a_leg_that_breaks_leaves_no_thread_and_what_it_put_is_hashed() -> None:
    hashing, before = _Hashing(), threading.active_count()
    with pytest.raises(ConnectionError):
        _put_all(hashing, LONG, 3, ends_by=ConnectionError())

    assert [offset for offset, _ in hashing.offsets] == [0, 1, 2]
    assert threading.active_count() == before


def test_where_the_machine_gives_no_thread_the_pieces_are_hashed_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    hashing = _Hashing()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    _put_all(hashing, LONG, 4)

    assert [offset for offset, _ in hashing.offsets] == [0, 1, 2, 3]


def test_a_piece_may_be_as_large_as_a_fetch_takes_at_once() -> None:
    with HashedBeside(_Hashing(), 1) as pieces:
        assert len(pieces.buffer()) == PIECE_BYTES


def test_what_went_wrong_with_a_piece_is_known_before_the_next_is_received() -> None:
    hashing = _Hashing()
    hashing.fails_at = 0
    with suppress(StorageBroken), HashedBeside(hashing, 1) as pieces:
        _put(pieces, b"x", 0)
        with pytest.raises(StorageBroken):
            pieces.buffer()


def test_a_break_is_told_as_it_is_whatever_hashing_found() -> None:
    hashing = _Hashing()
    hashing.fails_at = 1
    with pytest.raises(ConnectionError):
        _put_all(hashing, 1, 2, ends_by=ConnectionError())


def test_the_same_buffer_is_given_until_it_is_put() -> None:
    with HashedBeside(_Hashing(), 1) as pieces:
        assert pieces.buffer() is pieces.buffer()
        first = pieces.buffer()
        pieces.put(1, 0, all_ours=True)
        assert pieces.buffer() is not first


@pytest.fixture
def spare(monkeypatch: pytest.MonkeyPatch) -> list[list[memoryview]]:
    """The pairs of buffers that no leg has, none at first."""
    pairs: list[list[memoryview]] = []
    monkeypatch.setattr(beside, "_spare", pairs)
    return pairs


def _used(into: set[int]) -> None:
    with HashedBeside(_Hashing(), LONG) as pieces:
        for number in range(4):
            into.add(id(pieces.buffer().obj))
            _put(pieces, b"x", number)


def test_legs_one_after_another_take_the_memory_of_one_whichever_threads_fly_them(
    spare: list[list[memoryview]],
) -> None:
    used: set[int] = set()
    for _ in range(20):
        thread = threading.Thread(target=_used, args=(used,))
        thread.start()
        thread.join()

    [pair] = spare
    assert used == {id(buffer.obj) for buffer in pair}


def test_legs_at_the_same_time_share_no_buffer_and_a_burst_of_them_gives_its_memory_back(
    spare: list[list[memoryview]],
) -> None:
    with ExitStack() as burst:
        legs = [burst.enter_context(HashedBeside(_Hashing(), 1)) for _ in range(20)]
        assert len({id(leg.buffer().obj) for leg in legs}) == 20
        assert spare == []

    assert len(spare) == 8


def test_the_buffers_of_a_leg_that_broke_are_the_next_ones(spare: list[list[memoryview]]) -> None:
    with pytest.raises(ConnectionError):
        _put_all(_Hashing(), LONG, 3, ends_by=ConnectionError())

    [pair] = spare
    assert len({id(buffer.obj) for buffer in pair}) == 2
    with HashedBeside(_Hashing(), LONG) as pieces:
        assert id(pieces.buffer().obj) in {id(buffer.obj) for buffer in pair}


def test_the_end_of_the_program_waits_for_no_hashing() -> None:
    assert HashedBeside(_Hashing(), LONG)._thread.daemon
