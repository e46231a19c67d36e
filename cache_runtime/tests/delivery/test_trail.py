"""The running hash at places that went by."""

from __future__ import annotations

import hashlib
import random

import pytest
from dtr_content_cache.delivery import trail
from dtr_content_cache.delivery.trail import Trail
from hypothesis import given
from hypothesis import strategies as st

DATA = random.Random(8).randbytes(5000)


@given(st.lists(st.integers(1, 400), max_size=40), st.integers(0, 5000), st.integers(1, 900))
def test_from_a_known_place_on_the_hash_of_the_whole_comes_out_right(pieces: list[int], asked: int, step: int) -> None:
    known, seen, at = Trail(), hashlib.sha256(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trail, "TRAIL_STEP_BYTES", step)
        for size in pieces:
            piece = DATA[at : at + size]
            seen.update(piece)
            at += len(piece)
            known.mark(at, seen)

        place, before = known.before(asked)

    assert 0 <= place <= asked
    before.update(DATA[place:])
    assert before.digest() == hashlib.sha256(DATA).digest()
    assert min(asked, at) - place < step + 400


def test_what_is_done_with_a_hash_that_was_given_out_does_not_change_the_trail() -> None:
    known, seen = Trail(), hashlib.sha256(bytes(trail.TRAIL_STEP_BYTES))
    known.mark(trail.TRAIL_STEP_BYTES, seen)
    known.before(trail.TRAIL_STEP_BYTES)[1].update(b"spoilt")
    seen.update(b"spoilt")

    assert known.before(trail.TRAIL_STEP_BYTES)[1].digest() == hashlib.sha256(bytes(trail.TRAIL_STEP_BYTES)).digest()


def test_places_that_come_soon_after_a_known_one_are_passed_over() -> None:
    known, step = Trail(), trail.TRAIL_STEP_BYTES
    for place in (step - 1, step, step + 1, 2 * step - 1, 2 * step):
        known.mark(place, hashlib.sha256())

    assert [known.before(place)[0] for place in (step - 1, step, 2 * step - 1, 2 * step)] == [0, step, step, 2 * step]
    assert known._places == [step, 2 * step]
