"""Which upstreams answer HEAD: what is learnt from which answer, and for how long."""

from __future__ import annotations

import pytest
from doubles.clock import HandMovedClock
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream.heads import REMEMBERED_S, Heads

A, B = Upstream("https", "a.test", 443), Upstream("https", "b.test", 443)


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock()


@pytest.mark.parametrize("status", [400, 401, 405, 501])
def test_an_answer_that_may_be_about_head_alone_is_worth_a_get(clock: HandMovedClock, status: int) -> None:
    assert Heads(clock).worth_a_get(A, "blobs", status)


@pytest.mark.parametrize("status", [200, 206, 307, 403, 404, 410, 429, 500, 503])
def test_any_other_answer_is_believed(clock: HandMovedClock, status: int) -> None:
    assert not Heads(clock).worth_a_get(A, "blobs", status)


def test_where_head_has_worked_a_401_is_meant_for_a_while(clock: HandMovedClock) -> None:
    heads = Heads(clock)
    heads.worth_a_get(A, "blobs", 200)

    assert not heads.worth_a_get(A, "blobs", 401)
    assert heads.worth_a_get(A, "manifests", 401)
    assert heads.worth_a_get(B, "blobs", 401)
    clock.advance(REMEMBERED_S)
    assert heads.worth_a_get(A, "blobs", 401)


def test_a_get_that_is_allowed_where_head_is_not_shows_that_head_is_in_vain_for_a_while(clock: HandMovedClock) -> None:
    heads = Heads(clock)
    heads.got(A, "blobs", 206)

    assert heads.are_in_vain(A, "blobs")
    assert not heads.are_in_vain(A, "manifests")
    assert not heads.are_in_vain(B, "blobs")
    clock.advance(REMEMBERED_S)
    assert not heads.are_in_vain(A, "blobs")


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_a_get_that_is_refused_teaches_nothing(clock: HandMovedClock, status: int) -> None:
    heads = Heads(clock)
    heads.got(A, "blobs", status)

    assert not heads.are_in_vain(A, "blobs")
    assert heads.worth_a_get(A, "blobs", 401)
