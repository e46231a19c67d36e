"""The room that a flight's file is promised, claims on the volume, and gives back."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from doubles.flights import bring
from dtr_content_cache.delivery.limits import CLAIMED_FROM_BYTES
from dtr_content_cache.values.failures import StorageBroken

DATA = random.Random(51).randbytes(50_000)
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


def _write(filling: Any, start: int, end: int) -> None:
    bring(filling, DATA[start:end], start)


def test_what_is_dropped_gives_its_room_back_once(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    assert hangar.space._pledged == len(DATA)
    filling.drop()
    filling.drop()

    assert (hangar.space._pledged, hangar.space._unwritten) == (0, 0)


def test_room_that_was_pledged_for_a_file_that_cannot_be_made_is_given_back(
    hangar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(digest: object) -> None:
        raise StorageBroken("creating a file: EIO")

    monkeypatch.setattr(hangar.store, "begin", broken)
    with pytest.raises(StorageBroken):
        hangar.filling(DIGEST, len(DATA))
    assert (hangar.space._pledged, hangar.space._unwritten) == (0, 0)


def test_room_is_taken_back_byte_by_byte_as_it_is_written(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))
    _write(filling, 0, 10_000)
    _write(filling, 5_000, 15_000)

    assert hangar.space._unwritten == len(DATA) - 15_000
    assert filling.fetched_bytes == 20_000, "what came twice was fetched twice"


class _Seen:
    """A filling's `unfinished`, of which the claims are noted."""

    def __init__(self, unfinished: Any, *, gives: bool) -> None:
        self._unfinished, self._gives = unfinished, gives
        self.claims: list[int] = []

    def claim(self, size: int) -> bool:
        self.claims.append(size)
        return self._gives

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unfinished, name)


@pytest.mark.parametrize(("gives", "unwritten"), [(True, 0), (False, CLAIMED_FROM_BYTES - 200)])
def test_a_large_blobs_room_is_claimed_once_behind_its_first_bytes_and_counts_as_taken(
    hangar: Any, gives: bool, unwritten: int
) -> None:
    filling = hangar.filling(DIGEST, CLAIMED_FROM_BYTES)
    seen = filling.unfinished = _Seen(filling.unfinished, gives=gives)
    _write(filling, 0, 100)
    _write(filling, 100, 200)

    assert seen.claims == [CLAIMED_FROM_BYTES]
    assert filling.reservation.unwritten == unwritten
    filling.drop()
    filling.release()


def test_a_small_blobs_room_is_not_claimed(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, CLAIMED_FROM_BYTES - 1)
    seen = filling.unfinished = _Seen(filling.unfinished, gives=True)
    _write(filling, 0, 100)

    assert seen.claims == []
    filling.drop()
    filling.release()


def test_a_file_that_could_not_be_made_counts_as_nothing_stored(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[bool] = []

    class Room:
        def release(self, *, stored: bool) -> None:
            released.append(stored)

    def broken(digest: object) -> None:
        raise StorageBroken("creating a file: EIO")

    monkeypatch.setattr(hangar.space, "reserve", lambda size, digest: Room())
    monkeypatch.setattr(hangar.store, "begin", broken)
    with pytest.raises(StorageBroken):
        hangar.filling(DIGEST, len(DATA))
    assert released == [False]


def test_a_file_that_is_dropped_counts_as_nothing_stored(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    filling, released = hangar.filling(DIGEST, len(DATA)), []
    monkeypatch.setattr(filling.reservation, "release", lambda *, stored: released.append(stored))
    filling.drop()

    assert released == [False]


def test_room_is_kept_for_the_digest_that_is_coming(hangar: Any) -> None:
    filling = hangar.filling(DIGEST, len(DATA))

    assert (filling.digest.hex, filling.told_by, filling.total) == (DIGEST[7:], hangar.hop, len(DATA))
    assert filling.digest.hex in hangar.space._tally.coming
    filling.drop()
    filling.release()
