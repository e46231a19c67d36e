"""Whose turn it is, and who rests for how long."""

from __future__ import annotations

from collections import Counter

import pytest
from doubles.clock import HandMovedClock
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream.turns import Turns
from hypothesis import given
from hypothesis import strategies as st

A, B, C = (Upstream("https", f"{name}.example.com", 443) for name in "abc")
CACHES = tuple(Upstream("https", f"cache-{name}.example.com", 443, authoritative=False) for name in "ab")


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock()


def turns_of(*upstreams: Upstream, clock: HandMovedClock, jitter: float = 1.0) -> Turns:
    return Turns(upstreams, clock, lambda: jitter)


def test_each_transfer_begins_with_the_next_upstream(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, C, clock=clock)
    assert [turns.order() for _ in range(4)] == [[A, B, C], [B, C, A], [C, A, B], [A, B, C]]


def test_the_caches_of_the_map_form_take_turns_and_their_origin_comes_last(clock: HandMovedClock) -> None:
    turns = turns_of(*CACHES, A, clock=clock)
    first, second = CACHES
    assert [turns.order() for _ in range(3)] == [[first, second, A], [second, first, A], [first, second, A]]


def test_one_that_failed_comes_last_until_it_has_rested(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, C, clock=clock)
    assert turns.failed(A) == 1.0
    assert [turns.order()[-1] for _ in range(6)] == [A] * 6
    clock.advance(1.0)
    assert {turns.order()[0] for _ in range(3)} == {A, B, C}


def test_one_that_failed_and_rested_waits_for_proof_where_proof_is_asked(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, C, clock=clock)
    turns.failed(A)
    assert turns.due() == []
    clock.advance(1.0)
    assert [turns.order(proof=True)[-1] for _ in range(6)] == [A] * 6
    assert turns.due() == [A]
    turns.proved(A)
    assert {turns.order(proof=True)[0] for _ in range(3)} == {A, B, C}
    assert turns.due() == []


def test_proof_is_no_success_the_next_failure_rests_it_longer_and_asks_for_proof_again(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, clock=clock)
    clock.advance(turns.failed(A))
    turns.proved(A)
    assert turns.healthy()[A.url] is False
    assert turns.failed(A) == 2.0
    clock.advance(2.0)
    assert turns.due() == [A]


def test_while_one_rests_the_others_share_the_load_evenly(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, C, clock=clock)
    turns.failed(B)
    assert Counter(turns.order()[0] for _ in range(100)) == {A: 50, C: 50}


def test_when_all_rest_all_are_still_tried_the_most_rested_first(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, C, clock=clock)
    turns.failed(C)
    clock.advance(0.1)
    turns.failed(A)
    clock.advance(0.1)
    turns.failed(B)
    assert [turns.order() for _ in range(2)] == [[C, A, B]] * 2


def test_a_resting_cache_comes_after_its_healthy_origin(clock: HandMovedClock) -> None:
    turns = turns_of(*CACHES, A, clock=clock)
    for cache in CACHES:
        turns.failed(cache)
    assert turns.order()[0] == A


def test_rests_double_from_one_second_to_one_minute(clock: HandMovedClock) -> None:
    turns = turns_of(A, clock=clock)
    rests = []
    for _ in range(9):
        rests.append(turns.failed(A))
        clock.advance(rests[-1])
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_rests_are_spread_by_a_quarter(clock: HandMovedClock) -> None:
    assert turns_of(A, clock=clock, jitter=0.0).failed(A) == 0.75
    assert turns_of(A, clock=clock, jitter=0.5).failed(A) == 0.875


def test_transfers_that_fail_together_count_as_one_failure(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, clock=clock)
    assert [turns.failed(A) for _ in range(20)] == [1.0] * 20
    clock.advance(0.25)
    assert turns.failed(A) == 0.75
    clock.advance(0.75)
    assert turns.failed(A) == 2.0


def test_an_upstream_gets_the_rest_it_asks_for_up_to_five_minutes(clock: HandMovedClock) -> None:
    assert turns_of(A, clock=clock).failed(A, retry_after_s=20) == 20
    assert turns_of(A, clock=clock).failed(A, retry_after_s=0) == 1
    assert turns_of(A, clock=clock).failed(A, retry_after_s=86400) == 300


def test_a_rest_that_was_asked_for_is_not_shortened_by_the_next_failure(clock: HandMovedClock) -> None:
    turns = turns_of(A, clock=clock)
    turns.failed(A, retry_after_s=20)
    assert turns.failed(A) == 20


def test_success_ends_the_rest_and_forgets_the_failures(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, clock=clock)
    for _ in range(3):
        clock.advance(turns.failed(A))
    assert turns.succeeded(A) is True
    assert turns.succeeded(A) is False
    assert turns.failed(A) == 1.0


def test_an_upstream_counts_as_unhealthy_until_it_succeeds_not_only_while_it_rests(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, clock=clock)
    assert turns.healthy() == {A.url: True, B.url: True}
    clock.advance(turns.failed(A))
    assert turns.healthy() == {A.url: False, B.url: True}
    assert turns.resting_s() == {A.url: 0.0, B.url: 0.0}
    turns.succeeded(A)
    assert turns.healthy()[A.url] is True


def test_setting_the_machines_clock_moves_no_rest(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, clock=clock)
    turns.failed(A)
    clock.set_wall(clock.wall() + 10 * 365 * 86400)
    assert turns.order()[-1] == A


STEPS = st.tuples(st.sampled_from(("order", "failed", "succeeded", "proved", "advance")), st.integers(0, 4))


@given(st.lists(STEPS, max_size=60))
def test_whatever_happens_each_upstream_is_tried_once(steps: list[tuple[str, int]]) -> None:
    clock, upstreams = HandMovedClock(), (*CACHES, A, B, C)
    turns = turns_of(*upstreams, clock=clock)
    for step, number in steps:
        if step == "advance":
            clock.advance(number)
        elif step == "order":
            assert Counter(turns.order(proof=number % 2 == 0)) == Counter(upstreams)
        else:
            getattr(turns, step)(upstreams[number])
    assert Counter(turns.order()) == Counter(upstreams)
    assert len(turns) == len(upstreams)
    assert all(0 <= rest_s <= 60 for rest_s in turns.resting_s().values())


def test_one_that_wants_fewer_questions_is_held_for_as_long_as_it_says_and_five_minutes_at_most(
    clock: HandMovedClock,
) -> None:
    turns = turns_of(A, B, clock=clock)
    turns.failed(A, 20, limited=True)
    turns.failed(B, 20)
    assert (turns.held_s(A), turns.held_s(B)) == (20, 0)
    clock.advance(20)
    assert turns.held_s(A) == 0
    turns.failed(A, 3600, limited=True)
    assert turns.held_s(A) == 300


def test_what_it_wants_holds_though_an_earlier_question_is_answered_meanwhile(clock: HandMovedClock) -> None:
    turns = turns_of(A, clock=clock)
    turns.failed(A, 20, limited=True)
    turns.succeeded(A)
    assert turns.held_s(A) == 20


def test_all_are_down_when_each_rests_and_has_failed_again_after_a_rest(clock: HandMovedClock) -> None:
    turns = turns_of(A, B, clock=clock)
    for upstream in (A, B):
        turns.failed(upstream)
    assert not turns.all_down()
    clock.advance(1)
    turns.failed(A)
    assert not turns.all_down()
    turns.failed(B)
    assert turns.all_down()
    clock.advance(2)
    assert not turns.all_down()
