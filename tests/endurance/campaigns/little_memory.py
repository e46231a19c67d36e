"""A machine with little memory: 200 pulls of a large blob at the same time, cold and then stored, within 128 MiB."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from pathlib import Path

from doubles.running_cache import eventually

from ..campaign import CannotRun, Found
from ..crowd import Pulls, pull
from ..traffic import target
from .one_cache import OneCache

_CLIENTS = 200
_LIMIT_BYTES = 128 << 20
_BLOB_BYTES = 160 << 20
_PART_BYTES = 8 << 20


class LittleMemory(OneCache):
    name = "little memory"
    promise = f"{_CLIENTS} parallel pulls of a large blob, cold and stored, are right within {_LIMIT_BYTES >> 20} MiB"
    unit = f"rush of {_CLIENTS}"
    ci, full = 1, 100
    teeth_in_ci = False
    options = {"maxsize": "600MB"}  # noqa: RUF012

    def begin(self) -> None:
        self._group = _memory_group()
        super().begin()
        self.begin_life()
        (self._group / "cgroup.procs").write_text(str(self.cache.process), encoding="ascii")

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        blob = seed.encode() + chance.randbytes(1 << 20) * (_BLOB_BYTES >> 20)
        self.upstream.asked.clear()
        self.upstream.blobs.clear()
        digest = self.upstream.add(blob)
        for state in ("cold", "stored"):
            pulls = asyncio.run(self._rush(digest, blob, chance))
            found.count(f"{state} parts pulled", len(pulls.seconds))
            found.expect(not pulls.wrong, f"{state}: {len(pulls.wrong)} pulls failed, such as {pulls.wrong[:2]}")
            if state == "cold":
                eventually(lambda: self.cache.stored(digest).exists() or not self.cache.alive(), 120)
            if not self.cache.alive():
                found.broken.append(f"{state}: it did not survive: {self.cache.said(20)}")
                return found
        found.expect(self.cache.resident_bytes() <= _LIMIT_BYTES, f"it holds {self.cache.resident_bytes() >> 20} MiB")
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        return found

    async def _rush(self, digest: str, blob: bytes, chance: random.Random) -> Pulls:
        pulls, asked = Pulls(), target(self.upstream, digest)
        starts = [chance.randrange(len(blob) - _PART_BYTES) for _ in range(_CLIENTS)]
        wanted = [hashlib.sha256(memoryview(blob)[start : start + _PART_BYTES]).digest() for start in starts]
        await asyncio.gather(
            *(
                pull(self.cache.port, asked, sha256, pulls, f"{start}-{start + _PART_BYTES - 1}")
                for start, sha256 in zip(starts, wanted, strict=True)
            )
        )
        return pulls

    def end(self) -> None:
        super().end()
        if hasattr(self, "_group"):
            eventually(lambda: _removed(self._group), 10)


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False  # the dead are being counted out
    return True


def _memory_group() -> Path:
    """A control group of our own with the limit. Raise CannotRun where none can be made."""
    root = Path("/sys/fs/cgroup")
    old = root / "memory"
    group = (old if old.is_dir() else root) / f"endurance-{os.getpid()}"
    limit = "memory.limit_in_bytes" if old.is_dir() else "memory.max"
    try:
        group.mkdir()
        (group / limit).write_text(str(_LIMIT_BYTES), encoding="ascii")
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        raise CannotRun(f"no memory control group can be made here: {error.strerror}") from None
    return group
