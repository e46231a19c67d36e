"""Room is made before the first byte, by evicting who was not pulled for longest."""

from __future__ import annotations

import threading

import pytest
from dtr_content_cache.retention.choice import Limits
from dtr_content_cache.values.events import StorageTrouble
from dtr_content_cache.values.failures import NoSpace


def test_the_least_recently_pulled_blobs_go_first_and_no_more_than_needed(make_room) -> None:
    room = make_room(max_size_bytes=4000)
    for name in "abcd":
        room.put(name)
        room.clock.advance(10)
    room.pull("a")
    room.sweep()

    room.reserve(1500)

    assert room.left == "ad"
    assert [(event.reason, event.size_bytes) for event in room.evicted] == [("maxsize", 1000), ("maxsize", 1000)]


def test_a_blob_pulled_since_the_walk_is_spared_and_the_next_one_goes(make_room) -> None:
    room = make_room(max_size_bytes=3000)
    for name in "abc":
        room.put(name)
        room.clock.advance(10)
    room.sweep()
    room.pull("a")

    room.reserve(1000)

    assert room.left == "ac"


def test_minfree_counts_what_fills_under_way_will_still_write(make_room) -> None:
    room = make_room(total_bytes=10_000, min_free_bytes=1000)
    room.sweep()
    first = room.reserve(5000)

    with pytest.raises(NoSpace):
        room.reserve(4001)
    second = room.reserve(4000)
    second.release(stored=False)
    first.release(stored=False)

    room.reserve(9000)


def test_who_asks_for_room_while_a_fill_takes_all_of_its_own_evicts_nothing_for_it(make_room) -> None:
    room = make_room(total_bytes=10_000, min_free_bytes=1000)
    room.put("a")
    room.sweep()
    fill = room.reserve(4000)
    other = threading.Thread(target=room.reserve, args=(4000,))

    def take() -> bool:
        room.put("fill", 4000)
        other.start()
        other.join(0.2)  # time enough to ask, if it were let
        return True

    fill.claim(take)
    other.join()

    assert (fill.unwritten, room.evicted) == (0, [])


def test_a_fill_does_not_wait_for_others_to_make_room(make_room) -> None:
    room = make_room(total_bytes=10_000, min_free_bytes=1000)
    fill, taken = room.reserve(1000), []

    def walk() -> None:
        fill.claim(lambda: bool(taken.append(True)))

    room.space.walk_again = walk
    with pytest.raises(NoSpace):
        room.reserve(9000)

    assert (taken, fill.unwritten) == ([], 1000)
    fill.claim(lambda: not taken.append(True))
    assert (taken, fill.unwritten) == ([True], 0)


def test_without_delete_enabled_nothing_is_removed_and_the_blob_is_not_stored(make_room) -> None:
    room = make_room(may_delete=False, max_size_bytes=2000, ttl_s=1)
    room.put("a")
    room.put("b")
    room.clock.advance(10**6)
    room.sweep()
    room.space.trim()

    with pytest.raises(NoSpace):
        room.reserve(1000)

    assert room.left == "ab"
    assert room.evicted == []


def test_a_blob_larger_than_maxsize_evicts_nobody(make_room) -> None:
    room = make_room(max_size_bytes=3000)
    room.put("a")
    room.sweep()

    with pytest.raises(NoSpace):
        room.reserve(3001)

    assert room.left == "a"


def test_a_blob_larger_than_the_volume_evicts_nobody_and_walks_nowhere(make_room) -> None:
    room = make_room(total_bytes=100_000, min_free_fraction=0.05)
    for name in "abcdefgh":
        room.put(name)
    room.sweep()
    room.space.walk_again = lambda: pytest.fail("whatever lies on it, the volume is too small")

    with pytest.raises(NoSpace, match="larger than the volume"):
        room.reserve(95_001)

    assert room.left == "abcdefgh"


def test_what_could_not_be_had_by_removing_every_blob_evicts_nobody(make_room) -> None:
    room = make_room(total_bytes=100_000, min_free_bytes=1000)
    for name in "abcdefgh":
        room.put(name)
    (room.root / "of-others").write_bytes(bytes(50_000))
    room.sweep()

    with pytest.raises(NoSpace, match="too little within minfree"):
        room.reserve(49_001)
    assert room.left == "abcdefgh"

    room.reserve(49_000)
    assert room.left == ""


def test_blobs_that_others_stored_on_the_volume_since_the_walk_may_go_for_a_large_one(make_room) -> None:
    room = make_room(total_bytes=10_000)
    room.sweep()
    for name in "abcdefgh":
        room.put(name)

    room.reserve(9000)

    assert len(room.left) == 1


def test_room_is_made_before_the_volume_was_counted_for_the_first_time(make_room) -> None:
    room = make_room(total_bytes=10_000)
    room.put("a", 5000)

    room.reserve(9000)

    assert room.left == ""


def test_a_volume_that_others_fill_is_brought_back_within_its_limits_as_far_as_that_goes(make_room) -> None:
    room = make_room(total_bytes=10_000, min_free_bytes=5000)
    room.put("a")
    (room.root / "of-others").write_bytes(bytes(9000))
    room.sweep()

    assert room.left == ""


def test_a_read_only_storage_has_no_room(make_room) -> None:
    with pytest.raises(NoSpace):
        make_room(may_write=False).reserve(1)


def test_what_was_stored_after_the_walk_is_evicted_by_looking_again(make_room) -> None:
    room = make_room(max_size_bytes=3000)
    room.sweep()
    for name in "abc":
        fill = room.reserve(1000)
        room.put(name)
        fill.wrote(1000)
        fill.release(stored=True)
        room.clock.advance(10)

    room.reserve(1000)

    assert room.left == "bc"


def _waiting(room, sizes: list[int]) -> list[int]:
    """Fills of these sizes that wait; those that are left of them."""
    fills = [room.reserve(size) for size in sizes]

    def give_up() -> int | None:
        if not fills:
            return None
        fills.pop(0).release(stored=False)
        return sizes.pop(0)

    room.space.waiting.append(give_up)
    return sizes


def test_fills_that_wait_for_somebody_go_before_any_blob_and_no_more_than_needed(make_room) -> None:
    room = make_room(max_size_bytes=5000)
    room.put("a")
    room.sweep()
    left, others = _waiting(room, [1000, 1000]), _waiting(room, [1000])

    room.reserve(2000)
    assert (room.left, left, others) == ("a", [1000], [1000])

    room.reserve(2000)
    assert (room.left, left, others) == ("a", [], [])

    room.reserve(1000)
    assert room.left == ""


def test_fills_that_wait_for_somebody_go_before_blobs_for_a_smaller_maxsize_too(make_room) -> None:
    room = make_room(max_size_bytes=5000)
    room.put("a")
    room.sweep()
    left = _waiting(room, [1000, 1000])

    room.space.limits = Limits(None, 1500, None, None)
    room.space.trim()

    assert (room.left, left) == ("a", [])


def test_a_smaller_maxsize_is_reached_by_trimming(make_room) -> None:
    room = make_room(max_size_bytes=10_000)
    for name in "abcde":
        room.put(name)
        room.clock.advance(10)
    room.sweep()

    room.space.limits = Limits(None, 2000, None, None)
    room.space.trim()

    assert room.left == "de"


def test_an_eviction_that_the_volume_refuses_is_told_and_the_next_blob_goes(make_room, monkeypatch) -> None:
    room = make_room(max_size_bytes=3000)
    for name in "abc":
        room.put(name)
        room.clock.advance(10)
    room.sweep()
    real, stuck = room.store.files.unlink, room.store.layout.data(room.put_so_far["a"])

    def unlink(path: str) -> None:
        if path == stuck:
            raise OSError(5, "EIO")
        real(path)

    monkeypatch.setattr(room.store.files, "unlink", unlink)
    room.reserve(1000)

    assert room.left == "ac"
    assert [event.reason for event in room.events if isinstance(event, StorageTrouble)] == ["removing: EIO"]
