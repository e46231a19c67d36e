"""Which pieces of a blob wait for the verdict on the whole."""

from __future__ import annotations

import pytest
from dtr_content_cache.delivery.delivery import is_judged
from dtr_content_cache.values.byte_range import parse_ranges, resolve_ranges

TOTAL = 1000


@pytest.mark.parametrize(
    ("header", "judged"),
    [
        ("bytes=0-", True),
        ("bytes=0-999", True),
        ("bytes=0-5000", True),
        ("bytes=-1000", True),
        ("bytes=500-", True),  # goes on after a break, and then believes that it has the whole
        ("bytes=999-", True),
        ("bytes=500-999", False),  # picked out
        ("bytes=-10", False),
        ("bytes=0-998", False),
        ("bytes=5-10", False),
    ],
)
def test_a_piece_that_ends_a_whole_is_judged_and_one_that_is_picked_out_is_not(header: str, judged: bool) -> None:
    [piece] = resolve_ranges(parse_ranges(header) or (), TOTAL)

    assert is_judged(piece, TOTAL) is judged
