"""The way that a request came: read, carried on, and known again."""

from __future__ import annotations

import pytest
from dtr_content_cache.upstream.via import HOPS_LIMIT, Via, new_name
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("header", "onward"),
    [
        (None, "1.1 me"),
        ("", "1.1 me"),
        ("1.1 leaf.1a2b", "1.1 leaf.1a2b, 1.1 me"),
        ("1.0 fred, 1.1 p.example.net:8080", "1.0 fred, 1.1 p.example.net:8080, 1.1 me"),
        ("HTTP/1.1 squid (squid/5.7)", "HTTP/1.1 squid, 1.1 me"),
        (",, 1.1  leaf ,nonsense,1.1", "1.1 leaf, 1.1 me"),
        ("1.1 a\xe9b, 1.1 leaf", "1.1 leaf, 1.1 me"),
    ],
)
def test_who_came_before_is_carried_on_and_what_is_no_hop_is_dropped(header: str | None, onward: str) -> None:
    assert Via.parse(header).onward("me") == onward


@given(st.lists(NAMES, max_size=30))
def test_what_one_cache_sends_the_next_one_reads(names: list[str]) -> None:
    header = Via(tuple(("1.1", name) for name in names)).onward("me")

    assert Via.parse(header).hops[-1] == ("1.1", "me")
    assert Via.parse(header).circle("me").endswith(" → me")
    assert len(header) < 1000


@given(st.text(max_size=400))
def test_no_header_is_too_odd_to_be_read_and_none_leads_to_a_second_line(header: str) -> None:
    onward = Via.parse(header).onward("me")

    assert "\r" not in onward
    assert "\n" not in onward
    onward.encode("ascii")


def test_a_circle_is_told_from_where_it_closes() -> None:
    assert Via.parse("1.1 client-proxy, 1.1 me, 1.1 other").circle("me") == "me → other → me"
    assert Via.parse("1.1 client-proxy, 1.1 other").circle("me") == ""


def test_a_chain_longer_than_any_sensible_one_counts_as_a_circle() -> None:
    hops = [f"1.1 hop-{number}" for number in range(HOPS_LIMIT)]

    assert Via.parse(", ".join(hops[:-1])).circle("me") == ""
    assert Via.parse(", ".join(hops)).circle("me").endswith("hop-7 → me")


def test_two_processes_of_one_host_have_different_names_that_are_fit_for_the_header() -> None:
    one, two = new_name(), new_name()

    assert one != two
    assert Via.parse(f"1.1 {one}").hops == (("1.1", one),)
