"""How many bytes the complete blobs take: counted by walking the volume, kept right while blobs come and go.

A walk takes minutes on a large volume, and blobs are stored and removed meanwhile, some before the walk comes by and
some after; and two fills may bring the same blob, as of two registries. Owns how a walk's count is put right at its
end, and that each blob counts once. Rule for editors: not safe for threads by itself; the space keeper's lock covers
every call but `Walk.saw`, which only adds.
"""

from __future__ import annotations


class Walk:
    """One walk under way. `saw` each blob, then hand the sum to `Tally.end`."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.shards: set[str] = set()  # where it has been: what is removed from there was counted
        self.seen: set[str] = set()  # of the blobs that came meanwhile, those that it counted
        self.stored: dict[str, int] = {}
        self.removed_bytes = 0

    def saw(self, hex_digits: str) -> None:
        self.shards.add(hex_digits[:2])
        if hex_digits in self.stored or hex_digits in self._tally.coming:
            self.seen.add(hex_digits)


class Tally:
    """`used_bytes` is None until the first walk has ended; `coming` are the blobs that are being filled, each with the
    number of its fills."""

    def __init__(self) -> None:
        self.used_bytes: int | None = None
        self.coming: dict[str, int] = {}
        self._counted: set[str] = set()  # of those, the ones that are counted already: by a walk, or another fill
        self._walks: list[Walk] = []

    def begin(self) -> Walk:
        walk = Walk(self)
        self._walks.append(walk)
        return walk

    def drop(self, walk: Walk) -> None:
        self._walks.remove(walk)

    def end(self, walk: Walk, walked_bytes: int) -> None:
        self._walks.remove(walk)
        missed = sum(size for hex_digits, size in walk.stored.items() if hex_digits not in walk.seen)
        self.used_bytes = max(0, walked_bytes + missed - walk.removed_bytes)
        self._counted = (walk.seen | walk.stored.keys()) & self.coming.keys()

    def begun(self, hex_digits: str) -> None:
        """A fill of the blob, which `ended` follows."""
        self.coming[hex_digits] = self.coming.get(hex_digits, 0) + 1

    def stored(self, hex_digits: str, size: int) -> None:
        for walk in self._walks:
            walk.stored[hex_digits] = size
        if self.used_bytes is not None and hex_digits not in self._counted:
            self.used_bytes += size
            self._counted.add(hex_digits)

    def ended(self, hex_digits: str) -> None:
        """The fill is over, whatever became of it. After `stored`: a walk must find the blob in one or the other."""
        self.coming[hex_digits] -= 1
        if not self.coming[hex_digits]:
            del self.coming[hex_digits]
            self._counted.discard(hex_digits)

    def removed(self, hex_digits: str, size: int) -> None:
        for walk in self._walks:
            came_meanwhile = walk.stored.pop(hex_digits, None) is not None
            if hex_digits in walk.seen if came_meanwhile else hex_digits[:2] in walk.shards:
                walk.removed_bytes += size
            walk.seen.discard(hex_digits)
        self._counted.discard(hex_digits)  # who brings it once more, stores it
        if self.used_bytes is not None:
            self.used_bytes = max(0, self.used_bytes - size)
