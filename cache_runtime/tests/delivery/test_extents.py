"""Extents against the plainest thing that could be right: a set of byte numbers."""

from __future__ import annotations

from dtr_content_cache.delivery.extents import Extents
from hypothesis import given
from hypothesis import strategies as st

TOTAL = 40
PIECES = st.lists(st.tuples(st.integers(0, TOTAL), st.integers(0, TOTAL)), max_size=12)


def _both(pieces: list[tuple[int, int]]) -> tuple[Extents, set[int]]:
    extents, present = Extents(), set()
    for start, end in pieces:
        extents.add(start, end)
        present |= set(range(start, end))
    return extents, present


@given(PIECES)
def test_runs_and_gaps_end_where_a_set_of_numbers_says(pieces: list[tuple[int, int]]) -> None:
    extents, present = _both(pieces)
    for position in range(TOTAL + 1):
        run = next(at for at in range(position, TOTAL + 2) if at not in present)
        assert extents.run_end(position) == run
        if position not in present:
            gap = next((at for at in range(position, TOTAL) if at in present), TOTAL)
            assert extents.gap_end(position, TOTAL) == gap


@given(PIECES, st.integers(0, TOTAL), st.integers(0, TOTAL))
def test_what_is_missing_of_a_stretch_is_what_a_set_of_numbers_lacks(
    pieces: list[tuple[int, int]], start: int, end: int
) -> None:
    extents, present = _both(pieces)
    missing = extents.missing(start, end)

    assert {number for first, last in missing for number in range(first, last)} == set(range(start, end)) - present
    assert all(first < last for first, last in missing)


@given(PIECES)
def test_each_byte_counts_once(pieces: list[tuple[int, int]]) -> None:
    extents, present = _both(pieces)

    assert extents.present_bytes() == len(present)


def test_a_single_missing_byte_is_missing() -> None:
    extents, _ = _both([(0, 5), (6, 10)])

    assert extents.missing(0, 10) == [(5, 6)]


def test_pieces_that_touch_are_one() -> None:
    extents, _ = _both([(0, 5), (7, 10), (5, 7)])

    assert (extents.run_end(0), extents.present_bytes()) == (10, 10)
