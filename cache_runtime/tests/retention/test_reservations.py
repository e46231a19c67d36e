"""What is promised to a fill, written and given back counts once; the sums stay right under threads."""

from __future__ import annotations

import threading


def sums(room) -> tuple[int, int, int]:
    return room.space._tally.used_bytes, room.space._pledged, room.space._unwritten


def test_bytes_that_are_on_the_volume_are_not_counted_twice(make_room) -> None:
    room = make_room(total_bytes=10_000, min_free_bytes=1000)
    room.sweep()
    fill = room.reserve(5000)
    room.put("a", 5000)  # as the fill writes them
    fill.wrote(5000)

    room.reserve(4000)


def test_room_that_was_not_to_be_had_at_once_stays_promised(make_room) -> None:
    room = make_room()
    fill = room.reserve(4000)
    fill.claim(lambda: False)

    assert fill.unwritten == 4000


def test_a_reservation_released_twice_or_written_to_too_much_counts_once(make_room) -> None:
    room = make_room(max_size_bytes=1000)
    room.sweep()
    fill = room.reserve(1000)
    fill.wrote(900)
    fill.wrote(900)
    fill.release(stored=False)
    fill.wrote(500)
    fill.release(stored=True)

    assert sums(room) == (0, 0, 0)
    room.reserve(1000)


def test_a_blob_that_two_registries_fill_at_once_is_counted_once(make_room) -> None:
    room = make_room(max_size_bytes=3000)
    room.put("b")
    room.sweep()
    fills = [room.reserve(1000, "a") for _ in range(2)]
    room.put("a")
    for fill in fills:
        fill.wrote(1000)
        fill.release(stored=True)

    assert sums(room) == (2000, 0, 0)
    room.reserve(1000)
    assert room.left == "ab"


def test_a_fill_that_is_told_to_be_over_twice_ends_no_other_of_the_same_blob(make_room) -> None:
    room = make_room(max_size_bytes=3000)
    room.sweep()
    first, second = room.reserve(1000, "a"), room.reserve(1000, "a")
    for _ in range(2):
        first.release(stored=False)
    second.release(stored=True)

    assert sums(room) == (1000, 0, 0)


def test_whoever_tells_what_was_written_never_waits_for_a_walk_that_makes_room(make_room) -> None:
    room = make_room(max_size_bytes=2500)
    room.put("a")
    room.put("b")
    room.sweep()
    fill = room.reserve(500)
    walking, go_on = threading.Event(), threading.Event()
    walk = room.space.walk_again

    def slow_walk() -> None:
        walking.set()
        assert go_on.wait(10)
        walk()

    room.space.walk_again = slow_walk
    room.space._oldest.clear()  # so that room can be made by a walk only
    makes_room = threading.Thread(target=room.reserve, args=(1500,))
    makes_room.start()
    assert walking.wait(10)

    teller = threading.Thread(target=lambda: (fill.wrote(100), fill.release(stored=False)))
    teller.start()
    teller.join(5)

    assert not teller.is_alive(), "the event loop tells this, too: it would stand still for the length of a walk"
    go_on.set()
    makes_room.join(10)
    assert room.left == ""


def test_the_sums_are_exact_after_threads_that_reserve_write_and_release(make_room) -> None:
    room = make_room(total_bytes=10**9)
    room.sweep()
    lowest: list[int] = []

    def work(seed: int) -> None:
        for turn in range(300):
            fill = room.reserve(10_000)
            writers = [threading.Thread(target=fill.wrote, args=(7_000,)) for _ in range(2)] if turn % 50 == 0 else []
            for writer in writers:
                writer.start()
            fill.wrote(3_000 + seed)
            lowest.append(min(sums(room)))
            fill.release(stored=turn % 2 == 0)
            for writer in writers:
                writer.join()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert min(lowest) >= 0
    assert sums(room) == (8 * 150 * 10_000, 0, 0)
