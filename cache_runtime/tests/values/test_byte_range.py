"""Ranges of RFC 9110 §14: which bytes are meant, and when the header is to be ignored."""

from __future__ import annotations

import pytest
from dtr_content_cache.values.byte_range import ByteRange, RangeNotSatisfiable, parse_ranges, resolve_ranges
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("header", "pairs"),
    [
        ("bytes=0-99", ((0, 99),)), ("bytes=5-", ((5, None),)), ("bytes=-10", ((None, 10),)),
        ("bytes=0-0,-1", ((0, 0), (None, 1))), ("bytes=0-1, 3-4 ,\t9-", ((0, 1), (3, 4), (9, None))),
        ("bytes=,0-1,,", ((0, 1),)), ("Bytes=0-1", ((0, 1),)), ("bytes=-0", ((None, 0),)), ("bytes=007-8", ((7, 8),)),
    ],
)  # fmt: skip
def test_reads_the_ranges(header: str, pairs: tuple[tuple[int | None, int | None], ...]) -> None:
    assert parse_ranges(header) == pairs


@pytest.mark.parametrize(
    "header",
    [None, "", "foo", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=9-5", "bytes=a-b", "bytes=1-2-3", "bytes 0-1",
     "items=0-1", "bytes=0 - 1", "bytes=+1-2", "bytes=1.5-2", "bytes=٣-٤", "bytes=0-1;2-3", "bytes=0x1-2",
     "bytes=1_0-20", "bytes=" + "9" * 20 + "-", "bytes=" + "0-1," * 17, "bytes=0-1,x"],
)  # fmt: skip
def test_ignores_what_is_malformed_or_too_much(header: str | None) -> None:
    assert parse_ranges(header) is None


@pytest.mark.parametrize(
    ("header", "total_bytes", "pieces"),
    [
        ("bytes=0-99", 1000, [(0, 100)]), ("bytes=990-", 1000, [(990, 1000)]), ("bytes=-10", 1000, [(990, 1000)]),
        ("bytes=-5000", 1000, [(0, 1000)]), ("bytes=990-5000", 1000, [(990, 1000)]),
        ("bytes=999-999", 1000, [(999, 1000)]),
        ("bytes=0-1,5000-", 1000, [(0, 2)]), ("bytes=0-9,20-29", 1000, [(0, 10), (20, 30)]),
        ("bytes=0-,0-,0-", 1000, [(0, 1000)]), ("bytes=5-5,0-0", 6, [(5, 6), (0, 1)]),
    ],
)  # fmt: skip
def test_finds_the_bytes_that_exist(header: str, total_bytes: int, pieces: list[tuple[int, int]]) -> None:
    pairs = parse_ranges(header)
    assert pairs is not None
    assert resolve_ranges(pairs, total_bytes) == [ByteRange(*piece) for piece in pieces]


@pytest.mark.parametrize(("header", "total_bytes"), [("bytes=1000-", 1000), ("bytes=-0", 9), ("bytes=0-", 0),
                                                     ("bytes=-5", 0), ("bytes=7-8,9-", 7)])  # fmt: skip
def test_says_when_no_byte_is_there(header: str, total_bytes: int) -> None:
    pairs = parse_ranges(header)
    assert pairs is not None
    with pytest.raises(RangeNotSatisfiable):
        resolve_ranges(pairs, total_bytes)


def test_content_range_counts_inclusively() -> None:
    assert ByteRange(0, 100).content_range(1000) == "bytes 0-99/1000"
    assert ByteRange(0, 100).length == 100


_NUMBERS = st.none() | st.integers(0, 50)


@given(st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=1, max_size=16), st.integers(0, 40))
def test_the_pieces_hold_exactly_the_asked_bytes_that_exist(
    pairs: list[tuple[int | None, int | None]], total_bytes: int
) -> None:
    header = "bytes=" + ",".join(f"{'' if a is None else a}-{'' if b is None else b}" for a, b in pairs)
    parsed = parse_ranges(header)
    backwards = any(a is not None and b is not None and b < a for a, b in pairs)
    if backwards or (None, None) in pairs:
        assert parsed is None
        return
    assert parsed == tuple(pairs)
    blob = range(total_bytes)
    asked = [
        set(blob[max(0, total_bytes - (last or 0)) :] if first is None else blob[first:])
        & (set(blob) if first is None or last is None else set(range(last + 1)))
        for first, last in pairs
    ]
    try:
        found = resolve_ranges(parsed, total_bytes)
    except RangeNotSatisfiable:
        assert not any(asked)
        return
    assert set().union(*asked) <= {byte for piece in found for byte in range(piece.start, piece.end)}
    assert all(0 <= piece.start < piece.end <= total_bytes for piece in found)
    assert sum(piece.length for piece in found) <= total_bytes


@given(st.text(max_size=30).map(lambda text: "bytes=" + text) | st.text("bytes=0123456789-, ", max_size=30))
def test_any_header_is_read_or_ignored(header: str) -> None:
    parsed = parse_ranges(header)
    assert parsed is None or 1 <= len(parsed) <= 16
