"""The count of bytes is exact although blobs come and go while the volume is walked."""

from __future__ import annotations

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
    coming: set[int] = set()
    walks: list[tuple[Walk, int, list[int]]] = []  # (walk, sum, the shards that are left)
    for _ in range(data.draw(st.integers(0, 40))):
        acts = ["begin", "fill"]
        acts += ["step"] * 3 if walks else []
        acts += ["rename", "fail"] if coming - there else []
        acts += ["release"] if coming & there else []
        acts += ["remove"] if there - coming else []
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
            new = set(range(10)) - there - coming
            if new:
                number = data.draw(st.sampled_from(sorted(new)))
                coming.add(number)
                tally.coming.add(hex_of(number))
        elif act == "rename":
            there.add(data.draw(st.sampled_from(sorted(coming - there))))
        elif act == "fail":
            number = data.draw(st.sampled_from(sorted(coming - there)))
            coming.discard(number)
            tally.ended(hex_of(number))
        elif act == "release":
            number = data.draw(st.sampled_from(sorted(coming & there)))
            tally.stored(hex_of(number), SIZE)
            coming.discard(number)
        elif act == "remove":
            number = data.draw(st.sampled_from(sorted(there - coming)))
            there.discard(number)
            tally.removed(hex_of(number), SIZE)
    for walk, total, left in walks:
        for shard in left:
            if shard in there:
                total += SIZE
                walk.saw(hex_of(shard))
        tally.end(walk, total)
    for number in sorted(coming & there):
        tally.stored(hex_of(number), SIZE)

    assert tally.used_bytes is None or tally.used_bytes == SIZE * len(there)


def test_a_blob_that_a_walk_counted_before_its_fill_was_told_is_counted_once() -> None:
    tally = Tally()
    tally.coming.add(hex_of(1))
    walk = tally.begin()
    walk.saw(hex_of(1))
    tally.end(walk, SIZE)
    tally.stored(hex_of(1), SIZE)

    assert tally.used_bytes == SIZE
