"""Sizes as disks and people count."""

from __future__ import annotations

from fractions import Fraction

import pytest
from dtr_content_cache.values.size import parse_size_bytes, say_bytes
from hypothesis import given
from hypothesis import strategies as st

_UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15, "KiB": 2**10,
          "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50, "": 1}  # fmt: skip


@pytest.mark.parametrize(
    ("written", "count"),
    [(0, 0), (1024, 1024), ("1024", 1024), ("200GB", 200 * 10**9), ("1TiB", 2**40), ("1.5 GB", 15 * 10**8),
     ("0.1GB", 10**8), ("512 MiB", 2**29), ("4.2 kB", 4200), ("0.000001TB", 10**6)],
)  # fmt: skip
def test_means_bytes(written: int | str, count: int) -> None:
    assert parse_size_bytes(written) == count


@pytest.mark.parametrize(
    "written",
    ["", " ", "GB", "200G", "200gb", "200 GiB ", "200  GB", "-1GB", "+1GB", "1e3", "1,5GB", "٣GB", "1iB", "1kiB",
     ".5GB", "1.GB", "9" * 20, -1, True, 1.5, None, [1]],
)  # fmt: skip
def test_refuses_anything_else_in_words(written: object) -> None:
    with pytest.raises(ValueError, match=r"^wanted a size such as 200GB or 1TiB$"):
        parse_size_bytes(written)  # type: ignore[arg-type]


@given(st.decimals(0, 10**6, places=3), st.sampled_from(sorted(_UNITS)))
def test_a_fraction_of_a_unit_is_exact(number: object, unit: str) -> None:
    assert parse_size_bytes(f"{number}{unit}") == int(Fraction(str(number)) * _UNITS[unit])


@given(st.text(max_size=10) | st.text("0123456789.kMGTiB ", max_size=10))
def test_any_text_is_a_size_or_refused_in_words(written: str) -> None:
    try:
        parsed = parse_size_bytes(written)
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = ""
        assert parsed >= 0
    assert refusal in ("", "wanted a size such as 200GB or 1TiB")


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (312, "312 B"), (999, "999 B"), (999.7, "1.0 kB"), (1000, "1.0 kB"), (4_200_000, "4.2 MB"),
     (999_999, "1.0 MB"), (10**18 * 5, "5000.0 PB")],
)  # fmt: skip
def test_is_said_for_people(count: float, said: str) -> None:
    assert say_bytes(count) == said


@given(st.integers(0, 10**17))
def test_what_is_said_can_be_read_again_within_its_precision(count: int) -> None:
    assert abs(parse_size_bytes(say_bytes(count)) - count) <= max(1, count * 0.051)
