"""The blobs that are pulled: random bytes, laid out as a registry keeps them: every server reads the same files.

<root>/docker/registry/v2/blobs/sha256/<2 hex>/<64 hex>/data
<root>/docker/registry/v2/repositories/bench/blobs/_layers/sha256/<64 hex>/link      (Distribution wants it)
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = "bench/blobs"
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Blob:
    hex: str
    size: int

    @property
    def path(self) -> str:
        return f"/v2/{REPOSITORY}/blobs/sha256:{self.hex}"


def how_many(size: int) -> int:
    """So many different blobs of this size: a few that stay in memory, as popular layers do."""
    return max(1, min(64, (128 << 20) // size))


class Library:
    """Blobs below `root`, made once by size."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._v2 = root / "docker/registry/v2"
        (self._v2 / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        self._made: dict[int, list[Blob]] = {}

    def blobs(self, size: int, count: int) -> list[Blob]:
        made = self._made.setdefault(size, [])
        while len(made) < count:
            made.append(self._make(size, len(made)))
        return made[:count]

    def _make(self, size: int, number: int) -> Blob:
        beside = self._v2 / "beside"
        seen = hashlib.sha256()
        with beside.open("wb") as file:
            for piece in _pieces(size, number):
                seen.update(piece)
                file.write(piece)
        blob = Blob(seen.hexdigest(), size)
        place = self.place(blob)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(beside, place)
        self._link(blob)
        return blob

    def place(self, blob: Blob) -> Path:
        return self._v2 / "blobs/sha256" / blob.hex[:2] / blob.hex / "data"

    def read(self, blobs: Iterable[Blob]) -> None:
        """Have them in the machine's memory."""
        for blob in blobs:
            with self.place(blob).open("rb", buffering=0) as file:
                while file.read(_PIECE_BYTES):
                    pass

    def _link(self, blob: Blob) -> None:
        link = self._v2 / "repositories" / REPOSITORY / "_layers/sha256" / blob.hex / "link"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_text(f"sha256:{blob.hex}", encoding="ascii")

    def fill(self, count: int, there: int = 0) -> Iterable[int]:
        """Tiny blobs, each with a digest of its own, from `there` to `count`; yields how many there are at times."""
        base = str(self._v2 / "blobs/sha256")
        for number in range(there, count):
            data = b"%064d" % number
            name = hashlib.sha256(data).hexdigest()
            folder = f"{base}/{name[:2]}/{name}"
            os.makedirs(folder, exist_ok=True)
            with open(f"{folder}/data", "wb") as file:
                file.write(data)
            if number % 10_000 == 0:
                yield number

    def tiny(self, numbers: Iterable[int]) -> list[Blob]:
        """Blobs that `fill` made, ready to be asked for."""
        found = [Blob(hashlib.sha256(b"%064d" % number).hexdigest(), 64) for number in numbers]
        for blob in found:
            self._link(blob)
        return found


def _pieces(size: int, number: int) -> Iterable[bytes]:
    source = random.Random(f"{size}-{number}")
    while size:
        piece = source.randbytes(min(size, _PIECE_BYTES))
        size -= len(piece)
        yield piece
