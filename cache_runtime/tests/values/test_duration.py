"""Durations as Go writes them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from dtr_content_cache.values.duration import parse_duration_ns, say_seconds
from hypothesis import given
from hypothesis import strategies as st

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


@pytest.mark.parametrize(
    ("written", "nanoseconds"),
    [
        (24, 24), (0, 0), (-5, -5), ("24h", 24 * 3600 * 10**9), ("1h30m", 5400 * 10**9), ("1.5s", 15 * 10**8),
        (".5s", 5 * 10**8), ("1.s", 10**9), ("100ns", 100), ("3µs", 3000), ("3μs", 3000), ("-2s", -2 * 10**9),
        ("+2s", 2 * 10**9), ("0", 0), ("-0", 0), ("0.1s", 10**8), ("1s1s", 2 * 10**9), ("1m1ms", 60001 * 10**6),
        ("2562047h47m16.854775807s", 2**63 - 1),
    ],
)  # fmt: skip
def test_means_what_go_means(written: int | str, nanoseconds: int) -> None:
    assert parse_duration_ns(written) == nanoseconds


@pytest.mark.parametrize(
    "written",
    ["", "-", "+", "24", "1", "h", ".", ".s", "1 h", " 1h", "1h ", "1h\n", "1d", "1H", "1e3s", "1_0s", "٣s", "--1s",
     "1h-1m", "1,5s", "0x1s", "9" * 5000 + "s", "1h" * 40, True, 1.5, None, [1]],
)  # fmt: skip
def test_refuses_in_words_what_go_refuses(written: object) -> None:
    with pytest.raises(ValueError, match=r"^wanted a duration such as 24h"):
        parse_duration_ns(written)  # type: ignore[arg-type]


@pytest.mark.parametrize("written", [2**63, -(2**63), "2562048h", "9" * 18 + "h"])
def test_refuses_more_than_go_can_count(written: int | str) -> None:
    with pytest.raises(ValueError, match="wanted a duration below 292 years"):
        parse_duration_ns(written)


@given(st.lists(st.tuples(st.decimals(0, 1000, places=3), st.sampled_from(sorted(_UNITS))), min_size=1, max_size=4))
def test_a_sum_of_parts_is_exact(parts: list[tuple[object, str]]) -> None:
    exact = sum(Fraction(str(number)) * _UNITS[unit] for number, unit in parts)
    assert parse_duration_ns("".join(f"{number}{unit}" for number, unit in parts)) == int(exact)


@given(st.text(max_size=12) | st.text("0123456789.hmnsu+-µ", max_size=12))
def test_any_text_is_a_duration_or_refused_in_words(written: str) -> None:
    try:
        parsed = parse_duration_ns(written)
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = ""
        assert isinstance(parsed, int)
    assert not refusal or refusal.startswith("wanted a duration")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0ms"), (0.25, "250ms"), (0.9994, "999ms"), (0.9999, "1s"), (1, "1s"), (59.9, "59s"), (185, "3m 5s"),
     (3600, "1h"), (93600, "1d 2h"), (90061, "1d 1h")],
)  # fmt: skip
def test_is_said_for_people(seconds: float, said: str) -> None:
    assert say_seconds(seconds) == said


@given(st.floats(0, 10**9))
def test_is_always_said_as_something(seconds: float) -> None:
    assert say_seconds(seconds)
