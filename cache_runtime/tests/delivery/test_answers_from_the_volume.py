"""Answers from blobs that are on the volume: of one that is verified, and of one whose hashing takes long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from doubles.volume import put
from dtr_content_cache.delivery.delivery import CheckedDelivery, FilePart, StoredDelivery
from dtr_content_cache.storage import OpenBlob
from dtr_content_cache.values.byte_range import ByteRange


def test_an_empty_piece_of_a_stored_blob_is_nothing_to_send(hangar: Any) -> None:
    blob = hangar.store.open(put(hangar.store, b"0123456789", 1.0))

    async def work() -> None:
        delivery = StoredDelivery(hangar.store, blob)
        assert [part async for part in delivery.pieces(ByteRange(3, 3))] == []
        assert [part async for part in delivery.pieces(ByteRange(3, 7))] == [FilePart(blob.fd, 3, 4, blob.identity)]
        delivery.close()

    hangar.run(work)


def test_a_stored_answer_closes_its_file(hangar: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    blob, closed = hangar.store.open(put(hangar.store, b"0123456789", 1.0)), []
    real = hangar.store.files.close
    monkeypatch.setattr(hangar.store.files, "close", lambda fd: closed.append(fd) or real(fd))
    delivery = StoredDelivery(hangar.store, blob)
    assert (delivery.total, delivery.cache, delivery.fd) == (10, "hit", blob.fd)
    delivery.close()

    assert closed == [blob.fd]


class _Check:
    """A hashing that is through with three bytes more each time that somebody asks."""

    def __init__(self) -> None:
        self.blob = OpenBlob(7, 10, (1, 2, 3, 4, 5))
        self.asked: list[tuple[int, int]] = []
        self.released = 0

    async def available(self, position: int, end: int) -> int:
        self.asked.append((position, end))
        return min(position + 3, end)

    def release(self) -> None:
        self.released += 1


@pytest.mark.parametrize(
    ("piece", "parts"), [((2, 9), [(2, 3), (5, 3), (8, 1)]), ((2, 5), [(2, 3)]), ((9, 10), [(9, 1)]), ((4, 4), [])]
)
def test_a_piece_of_a_blob_that_is_being_hashed_is_sent_as_the_hashing_goes_on(
    piece: tuple[int, int], parts: list[tuple[int, int]]
) -> None:
    check = _Check()
    delivery = CheckedDelivery(check)  # type: ignore[arg-type]

    async def work() -> list[Any]:
        return [part async for part in delivery.pieces(ByteRange(*piece))]

    assert asyncio.run(work()) == [FilePart(7, *part, check.blob.identity) for part in parts]
    assert check.asked == [(start, piece[1]) for start, _ in parts]
    assert (delivery.total, delivery.cache, delivery.upstream) == (10, "hit", "")
    assert check.released == 0
    delivery.close()
    assert check.released == 1
