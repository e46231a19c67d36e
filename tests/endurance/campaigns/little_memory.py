"""A machine with little memory: 200 pulls of a blob of 1 GiB at the same time, cold and then stored, within 128 MiB."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from doubles.running_cache import eventually

from ..campaign import CannotRun, Found
from ..crowd import Taker, take_all
from ..traffic import target
from .one_cache import OneCache

_CLIENTS = 200
_LIMIT_BYTES = 128 << 20
_MIB = 1 << 20
_BLOB_BYTES = 1024 * _MIB
_SHORT_BYTES = 32 * _MIB
_WITHIN_S = 1800.0


class LittleMemory(OneCache):
    """The first cycle, which is all that `make test` has time for, has two clients that read to the end; the others
    leave after a part. In every later one all read to the end."""

    name = "little memory"
    promise = (
        f"{_CLIENTS} parallel pulls of a blob of {_BLOB_BYTES >> 30} GiB, cold and stored, are right, and the cache "
        f"lives on, within {_LIMIT_BYTES >> 20} MiB without swap, in which its program is counted, too"
    )
    unit = f"rush of {_CLIENTS}"
    ci, full = 1, 20
    teeth_in_ci = False
    options = {"maxsize": "2GB", "minfree": "100MB"}  # noqa: RUF012

    def begin(self) -> None:
        self.group = _memory_group()
        super().begin()
        self.begin_life()

    def cycle(self, seed: str) -> Found:
        found = Found()
        whole = not seed.endswith(":0")
        blob = memoryview(_blob(seed))
        self.upstream.asked.clear()
        self.upstream.blobs.clear()
        digest = self.upstream.add(blob)
        for state in ("cold", "stored"):
            takers = [Taker(_BLOB_BYTES if whole or number < 2 else _SHORT_BYTES) for number in range(_CLIENTS)]
            take_all(self.cache.port, target(self.upstream, digest), blob, takers, _WITHIN_S)
            wrong = [taker.wrong for taker in takers if taker.wrong]
            found.count(f"{state} pulls", len(takers) - len(wrong))
            found.count("MiB compared", sum(taker.taken for taker in takers) // _MIB)
            found.expect(not wrong, f"{state}: {len(wrong)} pulls failed, such as {wrong[:2]}")
            if state == "cold":
                eventually(lambda: self.cache.stored(digest).exists() or not self.cache.alive(), _WITHIN_S)
            if not self.cache.alive():
                found.broken.append(f"{state}: it did not survive: {self.cache.said(20)}")
                return found
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        return found

    def end(self) -> None:
        super().end()
        if self.group is not None:
            eventually(lambda: _removed(self.group), 10)


def _blob(seed: str) -> bytearray:
    """Of which no MiB is like another: bytes from a wrong place are wrong bytes."""
    blob = bytearray(_BLOB_BYTES)
    for number in range(_BLOB_BYTES // _MIB):
        blob[number * _MIB : (number + 1) * _MIB] = hashlib.shake_128(f"{seed}/{number}".encode()).digest(_MIB)
    return blob


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False  # the dead are being counted out
    return True


def _memory_group() -> Path:
    """A control group of our own with the limit, for memory and swap together. Raise CannotRun where none can be
    made."""
    root = Path("/sys/fs/cgroup")
    old = root / "memory"
    group = (old if old.is_dir() else root) / f"endurance-{os.getpid()}"
    limits = {"memory.limit_in_bytes": _LIMIT_BYTES, "memory.memsw.limit_in_bytes": _LIMIT_BYTES}
    if not old.is_dir():
        limits = {"memory.max": _LIMIT_BYTES, "memory.swap.max": 0}
    try:
        group.mkdir()
        for name, limit in limits.items():
            if (group / name).exists() or "sw" not in name:  # a kernel may count no swap
                (group / name).write_text(str(limit), encoding="ascii")
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        raise CannotRun(f"no memory control group can be made here: {error.strerror}") from None
    return group
