"""The file of a flight: written in any order by many threads, judged right, closed by its last holder."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from dataclasses import replace
from typing import Any

import pytest
from doubles.flights import bring
from dtr_content_cache.values.failures import StorageBroken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DATA = random.Random(51).randbytes(50_000)
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


def _write(filling: Any, start: int, end: int) -> None:
    bring(filling, DATA[start:end], start)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(10)), again=st.integers(0, 9))
def test_pieces_in_any_order_and_some_twice_have_the_right_verdict(hangar: Any, order: list[int], again: int) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    for number in [*order[:5], again, *order[5:]]:
        _write(filling, number * 5000, (number + 1) * 5000)

    assert filling.present_bytes() == len(DATA)
    assert filling.verdict()
    filling.drop()
    filling.release()


def test_one_wrong_bit_makes_a_bad_verdict(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    wrong = bytearray(DATA)
    wrong[-1] ^= 1
    bring(filling, wrong)

    assert not filling.verdict()


def test_a_missing_stretch_makes_a_bad_verdict(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    _write(filling, 0, 20_000)
    _write(filling, 30_000, len(DATA))

    assert (filling.run_end(0), filling.gap_end(20_000)) == (20_000, 30_000)
    assert filling.verdict_at_hand() is None
    assert not filling.verdict()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 49_999), st.integers(1, 20_000), st.booleans()), max_size=25))
def test_whoever_comes_second_changes_nothing_and_the_verdict_is_that_of_the_file(
    hangar: Any, writes: list[tuple[int, int, bool]]
) -> None:
    filling, expected = hangar.filling(DIGEST, len(DATA)), {}
    for start, length, lies in [*writes, (0, len(DATA), False)]:
        end = min(start + length, len(DATA))
        data = bytes(byte ^ 1 for byte in DATA[start:end]) if lies else DATA[start:end]
        bring(filling, data, start)
        for at in range(start, end):
            expected.setdefault(at, data[at - start])

    file = os.pread(filling.fd, len(DATA), 0)
    assert file == bytes(expected[at] for at in range(len(DATA)))
    verdict = filling.verdict_at_hand()
    assert filling.verdict() == (file == DATA)
    assert verdict in (None, file == DATA)
    filling.drop()
    filling.release()


def test_threads_that_write_stretches_at_the_same_time_lose_nothing(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))

    def write(offset: int) -> None:
        for start in range(offset, offset + 12_500, 100):
            _write(filling, start, start + 100)

    threads = [threading.Thread(target=write, args=(offset,)) for offset in range(0, 50_000, 12_500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert filling.verdict()
    assert filling.fetched_bytes == len(DATA)


def test_a_stretch_that_was_fetched_ahead_is_hashed_before_the_end_comes(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    _write(filling, 10_000, 30_000)
    _write(filling, 0, 10_000)
    for start in range(30_000, 50_000, 5000):
        _write(filling, start, start + 5000)

    assert filling._hashed > 30_000


def test_the_hash_of_what_is_there_without_a_gap_goes_on_elsewhere(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    _write(filling, 0, 20_000)
    _write(filling, 30_000, 40_000)

    end, seen = filling.prefix_hash()
    seen.update(DATA[end:])

    assert (end, seen.hexdigest()) == (20_000, DIGEST[7:])
    assert filling.prefix_hash()[1].hexdigest() == hashlib.sha256(DATA[:20_000]).hexdigest()


def test_the_descriptor_lives_as_long_as_its_last_holder(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    _write(filling, 0, len(DATA))
    reader = filling.hold()
    fd = filling.fd
    filling.drop()
    filling.release()

    assert os.pread(fd, 10, 0) == DATA[:10]
    assert not os.path.exists(filling.unfinished.path)
    reader.release()
    assert filling.fd == -1
    with pytest.raises(StorageBroken):
        filling.hold()


def test_no_verdict_is_at_hand_while_another_thread_hashes(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    _write(filling, 0, len(DATA))
    assert filling.verdict_at_hand() is True

    with filling._hashing:
        assert filling.verdict_at_hand() is None
    assert filling.verdict_at_hand() is True


def test_a_file_that_was_cut_short_behind_our_back_has_a_bad_verdict_and_ends(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    _write(filling, 25_000, len(DATA))
    _write(filling, 0, 25_000)
    with filling._hashing:
        filling._hash, filling._hashed = hashlib.sha256(), 0
    os.ftruncate(filling.fd, 30_000)

    assert not filling.verdict()


def test_sources_are_noted_once_in_the_order_in_which_they_brought_something(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    other = replace(hangar.hop, host="other")
    for hop in (other, hangar.hop, other):
        filling.note_source(hop)

    assert filling.sources == [other, hangar.hop]


def test_bytes_that_come_while_another_thread_hashes_are_left_to_that_one(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    with filling._hashing:
        filling.hash(memoryview(DATA), 0, True)
    assert filling._hashed == 0
    _write(filling, 0, len(DATA))
    assert filling.verdict()


class _Slow:
    """A filling's `unfinished` that gives a few bytes at a time."""

    def __init__(self, unfinished: Any) -> None:
        self._unfinished = unfinished

    def read_into(self, view: memoryview, offset: int) -> int:
        return int(self._unfinished.read_into(view[:777], offset))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unfinished, name)


def test_a_volume_that_gives_a_few_bytes_at_a_time_is_hashed_right_and_no_further_than_asked(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    filling.unfinished = _Slow(filling.unfinished)
    _write(filling, 20_100, len(DATA))
    _write(filling, 10_000, 20_000)
    with filling._hashing:
        _write(filling, 0, 10_000)  # left to whoever hashes next
    end, seen = filling.prefix_hash()
    assert (end, seen.hexdigest()) == (20_000, hashlib.sha256(DATA[:20_000]).hexdigest())
    _write(filling, 20_000, 20_100)
    assert filling.verdict()


class _Told:
    """What the readers are told, and how."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def advance(self) -> None:
        self.words.append("advance")

    def hand_over(self) -> None:
        self.words.append("hand over")


def test_the_first_bytes_are_handed_over_and_all_others_announced(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    told = filling.progress = _Told()
    for start in (0, 10, 20):
        _write(filling, start, start + 10)

    assert told.words == ["hand over", "advance", "advance"]


def test_what_is_parked_has_nobody_to_tell(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    for start in (0, 10):
        _write(filling, start, start + 10)

    assert filling.present_bytes() == 20


def test_what_had_come_before_is_said_of_each_piece(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    added = [filling.add(memoryview(DATA)[start:end], start) for start, end in ((10, 20), (5, 12), (10, 20), (20, 30))]

    assert added == [True, False, False, True]


def test_what_others_brought_is_caught_up_with_twice_as_fast_as_it_comes(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    _write(filling, 10_000, len(DATA))
    assert filling._hashed == 0
    _write(filling, 0, 10_000)
    assert filling._hashed == 10_000
    _write(filling, 9_000, 10_000)
    assert filling._hashed == 10_000, "that was hashed already"
    _write(filling, 49_000, 50_000)
    assert filling._hashed == 12_000
    _write(filling, 10_000, 50_000)
    assert filling._hashed == 50_000
    assert filling.verdict_at_hand()
