"""Very many blobs that nobody pulls: a volume on which a walk and an eviction take long enough to be killed in.

Their bytes are no blob's: no campaign asks for them, and a look at what is right leaves them out (`names`).
"""

from __future__ import annotations

import os
import random
from pathlib import Path

_BYTES = 4_000  # as a file's length says, of which the volume keeps none
_PULLED_BEFORE_S = 3600


class Crowd:
    """`names`: 64 hexadecimal digits each."""

    def __init__(self, chance: random.Random, number: int) -> None:
        self.names = frozenset(chance.randbytes(32).hex() for _ in range(number))

    def fill(self, volume: Path, now_s: float) -> None:
        """Put all those on `volume` that have no folder there."""
        blobs = volume / "docker/registry/v2/blobs/sha256"
        for shard in {name[:2] for name in self.names}:
            (blobs / shard).mkdir(parents=True, exist_ok=True)
        for name in self.names:
            self._put(f"{blobs}/{name[:2]}/{name}", now_s - _PULLED_BEFORE_S)

    def _put(self, folder: str, pulled_s: float) -> None:
        try:
            os.mkdir(folder)
        except FileExistsError:
            return
        fd = os.open(f"{folder}/data", os.O_WRONLY | os.O_CREAT, 0o640)
        os.ftruncate(fd, _BYTES)
        os.close(fd)
        os.utime(folder, (pulled_s, pulled_s))
