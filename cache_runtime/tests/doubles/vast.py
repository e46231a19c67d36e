"""A blob of any size that takes no memory: each eight bytes say where they stand."""

from __future__ import annotations

from typing import overload


class Vast:
    """Behaves as `bytes` do for whoever asks for its length and for slices; a slice of a megabyte or less is bytes."""

    def __init__(self, start: int, end: int) -> None:
        self._start, self._end = start, end

    def __len__(self) -> int:
        return self._end - self._start

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Vast | bytes: ...
    def __getitem__(self, place: int | slice) -> Vast | bytes | int:
        if isinstance(place, int):
            return vast_bytes(self._start + place, self._start + place + 1)[0]
        start, end, _ = place.indices(len(self))
        start, end = self._start + start, self._start + max(start, end)
        return vast_bytes(start, end) if end - start <= 1 << 20 else Vast(start, end)


def vast_bytes(start: int, end: int) -> bytes:
    """The bytes of every Vast from `start` to `end`."""
    first = start // 8
    words = b"".join(word.to_bytes(8, "big") for word in range(first, (end + 7) // 8))
    return words[start - 8 * first : end - 8 * first]
