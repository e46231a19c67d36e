"""Extents against the plainest thing that could be right: a set of byte numbers."""

from __future__ import annotations

import itertools

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
def test_pieces_are_sorted_and_never_touch_and_count_each_byte_once(pieces: list[tuple[int, int]]) -> None:
    extents, present = _both(pieces)
    kept = extents.pieces()

    assert extents.present_bytes() == len(present)
    assert {number for start, end in kept for number in range(start, end)} == present
    assert all(end < following for (_, end), (following, _) in itertools.pairwise(kept))
    assert all(start < end for start, end in kept)
