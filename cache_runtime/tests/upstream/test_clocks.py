"""Clocks that are too far apart are found before grants are refused for it."""

from __future__ import annotations

import pytest
from dtr_content_cache.upstream.clocks import disagreement
from dtr_content_cache.upstream.response_head import parse_response_head

NOW_S = 1_795_000_000.0
URL = "https://dtr.example.com"


@pytest.mark.parametrize("ahead_s", [0, 31, -32, 1, -1])
def test_clocks_within_what_grants_allow_agree_the_second_of_a_date_included(ahead_s: float) -> None:
    assert disagreement(URL, NOW_S + ahead_s, NOW_S, 30.0) is None


@pytest.mark.parametrize(
    ("ahead_s", "said"), [(32, "32 s ahead of"), (-33, "33 s behind"), (86_400, "86400 s ahead of")]
)
def test_clocks_further_apart_are_told_by_how_much_and_whose(ahead_s: float, said: str) -> None:
    sentence = disagreement(URL, NOW_S + ahead_s, NOW_S, 30.0) or ""

    assert sentence.startswith(f"{URL}: its clock is {said} this host's, wanted at most 30 s (clockskew)")
    assert "NTP" in sentence


def test_an_upstream_that_tells_no_time_is_not_judged_by_it() -> None:
    assert disagreement(URL, None, NOW_S, 0.0) is None


@pytest.mark.parametrize(
    ("headers", "date_s"),
    [
        (b"Date: Tue, 24 Nov 2026 20:00:00 GMT", 1_795_550_400.0),
        (b"Date: Tue, 24 Nov 2026 20:00:00 GMT\r\nAge: 90", None),  # from a store on the way
        (b"Date: yesterday", None),
        (b"Server: x", None),
    ],
)
def test_the_time_of_an_answer_is_its_own_or_none(headers: bytes, date_s: float | None) -> None:
    assert parse_response_head(b"HTTP/1.1 200 OK\r\n" + headers, bodiless=True).date_s() == date_s
