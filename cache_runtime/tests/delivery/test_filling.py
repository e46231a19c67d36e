"""The file of a flight: written in any order by many threads, judged right, closed by its last holder."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from typing import Any

import pytest
from dtr_content_cache.values.failures import StorageBroken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DATA = random.Random(51).randbytes(50_000)
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


def _write(filling: Any, start: int, end: int) -> None:
    filling.write(memoryview(DATA)[start:end], start)


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
    filling.write(memoryview(wrong), 0)

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
        filling.write(memoryview(data), start)
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


def test_what_is_dropped_gives_its_room_back_once(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    assert hangar.space._pledged == len(DATA)
    filling.drop()
    filling.drop()

    assert (hangar.space._pledged, hangar.space._unwritten) == (0, 0)
