"""The count of bytes is exact although blobs come and go while the volume is walked."""

from __future__ import annotations

import pytest
from dtr_content_cache.retention.tally import Tally, Walk
from hypothesis import given
from hypothesis import strategies as st

SIZE = 10


def hex_of(number: int) -> str:
    """A digest of its own shard, so that a walk's place is a number."""
    return f"{number:02x}" * 32


@given(st.data())
def test_after_a_walk_the_count_is_what_lies_there_whatever_happened_meanwhile(data: st.DataObject) -> None:
    tally, there = Tally(), {0, 2, 4, 6, 8}
    filling: list[int] = []  # a blob may be filled twice at the same time
    named: list[int] = []  # fills that have given it its name, or found it there
    walks: list[tuple[Walk, int, list[int]]] = []  # (walk, sum, the shards that are left)

    def release(number: int) -> None:
        tally.stored(hex_of(number), SIZE)
        tally.ended(hex_of(number))

    for _ in range(data.draw(st.integers(0, 40))):
        acts = ["begin", "fill"]
        acts += ["step"] * 3 if walks else []
        acts += ["rename", "fail"] if filling else []
        acts += ["release"] if named else []
        acts += ["remove"] if there - set(named) else []
        act = data.draw(st.sampled_from(acts))
        if act == "begin" and len(walks) < 2:  # the sweeper's, and one for a fill that needs room now
            walks.append((tally.begin(), 0, list(range(10))))
        elif act == "step":
            at = data.draw(st.integers(0, len(walks) - 1))
            walk, total, left = walks.pop(at)
            if left:
                shard = left.pop(0)
                if shard in there:
                    total += SIZE
                    walk.saw(hex_of(shard))
                walk.shards.add(hex_of(shard)[:2])
                walks.append((walk, total, left))
            else:
                tally.end(walk, total)
        elif act == "fill":
            new = sorted(set(range(10)) - there)
            if new:
                filling.append(data.draw(st.sampled_from(new)))
                tally.begun(hex_of(filling[-1]))
        elif act == "rename":
            number = filling.pop(data.draw(st.integers(0, len(filling) - 1)))
            there.add(number)
            named.append(number)
        elif act == "fail":
            tally.ended(hex_of(filling.pop(data.draw(st.integers(0, len(filling) - 1)))))
        elif act == "release":
            release(named.pop(data.draw(st.integers(0, len(named) - 1))))
        elif act == "remove":
            number = data.draw(st.sampled_from(sorted(there - set(named))))
            there.discard(number)
            tally.removed(hex_of(number), SIZE)
    for walk, total, left in walks:
        for shard in left:
            if shard in there:
                total += SIZE
                walk.saw(hex_of(shard))
        tally.end(walk, total)
    for number in named:
        release(number)

    assert tally.used_bytes is None or tally.used_bytes == SIZE * len(there)


def test_a_blob_that_a_walk_counted_before_its_fill_was_told_is_counted_once() -> None:
    tally = Tally()
    tally.begun(hex_of(1))
    walk = tally.begin()
    walk.saw(hex_of(1))
    tally.end(walk, SIZE)
    tally.stored(hex_of(1), SIZE)
    tally.ended(hex_of(1))

    assert tally.used_bytes == SIZE


def counted() -> Tally:
    """Of an empty volume, and two fills of the same blob."""
    tally = Tally()
    tally.end(tally.begin(), 0)
    tally.begun(hex_of(1))
    tally.begun(hex_of(1))
    return tally


@pytest.mark.parametrize("first_is_stored", [True, False])
def test_a_blob_that_two_fills_bring_is_counted_once(first_is_stored: bool) -> None:
    tally = counted()
    if first_is_stored:
        tally.stored(hex_of(1), SIZE)
    tally.ended(hex_of(1))
    tally.stored(hex_of(1), SIZE)
    tally.ended(hex_of(1))

    assert (tally.used_bytes, tally.coming) == (SIZE, {})


def test_a_blob_that_went_between_two_fills_of_it_is_counted_when_it_is_there_again() -> None:
    tally = counted()
    tally.stored(hex_of(1), SIZE)
    tally.ended(hex_of(1))
    tally.removed(hex_of(1), SIZE)
    assert tally.used_bytes == 0
    tally.stored(hex_of(1), SIZE)
    tally.ended(hex_of(1))

    assert tally.used_bytes == SIZE


def test_a_blob_that_one_fill_stored_during_a_walk_is_not_counted_again_for_the_other() -> None:
    tally = counted()
    walk = tally.begin()
    tally.stored(hex_of(1), SIZE)
    tally.ended(hex_of(1))
    tally.end(walk, 0)
    tally.stored(hex_of(1), SIZE)
    tally.ended(hex_of(1))

    assert tally.used_bytes == SIZE
