"""The disk rots, or somebody meddles: whatever lies under a blob's name, nobody gets it, and the next pull heals it."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from doubles.running_cache import eventually

from ..campaign import CannotRun, Found
from ..traffic import target
from .one_cache import OneCache

# To root no mode says no, and a cache runs as root in no office.
_AS_SOMEBODY = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
_SPOILT = 6  # or one more, where the last two change places


def flip(path: Path, chance: random.Random) -> None:
    """One bit, and the file's times as before: only its bytes can tell."""
    found = path.stat()
    bit = chance.randrange(found.st_size * 8)
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def _truncate(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size))


def _extend(path: Path, chance: random.Random) -> None:
    with path.open("ab") as file:
        file.write(chance.randbytes(chance.randrange(1, 5000)))


def _zero(path: Path, chance: random.Random) -> None:
    size = path.stat().st_size
    at = chance.randrange(size)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(min(4096, size - at)))


def _other(make: Callable[[Path], object]) -> Callable[[Path, random.Random], None]:
    def replace(path: Path, chance: random.Random) -> None:
        path.unlink()
        make(path)

    return replace


def swap(one: Path, other: Path) -> None:
    """Each file under the other's name."""
    beside = one.with_name("beside")
    one.rename(beside)
    other.rename(one)
    beside.rename(other)


def _stranger(path: Path) -> Path:
    stranger = path.with_name("stranger")
    stranger.write_bytes(b"somebody's file")
    return stranger


KINDS: dict[str, Callable[[Path, random.Random], object]] = {
    "a flipped bit": flip,
    "cut": _truncate,
    "extended": _extend,
    "a page of zeros": _zero,
    "random bytes": lambda path, chance: path.write_bytes(chance.randbytes(path.stat().st_size)),
    "a symbolic link": _other(lambda path: path.symlink_to("/etc/passwd")),
    "a hard link to another file": _other(lambda path: os.link(_stranger(path), path)),
    "a FIFO": _other(os.mkfifo),
    "a folder": _other(lambda path: path.mkdir()),
    "not readable": lambda path, chance: path.chmod(0),
    "gone": lambda path, chance: path.unlink(),
}
# Two blobs change places.
SWAPPED, SWAPPED_WITH_ITS_LIKE = "another blob's file", "the file of another blob of its size"
# Which folder of a blob lets nobody in. Only an operator can heal that; until then the upstream's bytes pass it by.
LOCKED = {"in a folder that lets nobody in": 0, "in a shard that lets nobody in": 1}


class Rot(OneCache):
    name = "rot"
    promise = "Whatever the disk made of a blob is never served complete, and is healed from upstream by the next pull"
    unit = "start on a volume with rotten blobs"
    share = 2.0
    ci, full = 15, 5_000
    blobs, largest = 12, 2_000_000

    def begin(self) -> None:
        if os.geteuid() == 0:
            if shutil.which("setpriv") is None:
                raise CannotRun("setpriv is not installed, and root reads what nobody may")
            self.born_by = _AS_SOMEBODY
        super().begin()
        chance = random.Random(self.unit)
        alike = {
            digest: self.upstream.add(chance.randbytes(len(self.upstream.blobs[digest]))) for digest in self.digests
        }
        self._alike = alike | {other: digest for digest, other in alike.items()}
        self.digests = list(self._alike)

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        self.upstream.asked.clear()
        self._stock()
        spoilt = self._spoil(chance)
        locked = self._lock(spoilt)
        self.cache.start()
        if not self.cache.listens():
            found.broken.append(f"it did not start: {self.cache.said()}")
        for digest, kind in spoilt.items():
            self._pull(digest, kind, chance, found)
        for folder in locked:
            folder.chmod(0o750)
        for digest, kind in spoilt.items():
            self._healed(digest, kind, found)
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        self.cache.kill()
        return found

    def _stock(self) -> None:
        """Every cycle begins with the same volume: one that went wrong replays from its seed alone."""
        shutil.rmtree(self.cache.volume / "content-cache", ignore_errors=True)
        for digest in self.digests:
            path, blob = self.cache.stored(digest), self.upstream.blobs[digest]
            if not path.is_file() or path.read_bytes() != blob:
                shutil.rmtree(path.parent, ignore_errors=True)
                path.parent.mkdir(parents=True)
                path.write_bytes(blob)

    def _spoil(self, chance: random.Random) -> dict[str, str]:
        """What was done to whom; there is no damage among it that changes nothing."""
        left, spoilt = chance.sample(self.digests, len(self.digests)), dict[str, str]()
        while len(spoilt) < _SPOILT:
            digest, kind = left.pop(), chance.choice([*KINDS, SWAPPED, SWAPPED_WITH_ITS_LIKE, *LOCKED])
            path = self.cache.stored(digest)
            if kind in (SWAPPED, SWAPPED_WITH_ITS_LIKE):
                alike = self._alike[digest]
                other = alike if kind == SWAPPED_WITH_ITS_LIKE and alike in left else left[-1]
                left.remove(other)
                swap(path, self.cache.stored(other))
                spoilt[other] = kind
            elif kind in KINDS:
                KINDS[kind](path, chance)
            spoilt[digest] = kind
        return spoilt

    def _lock(self, spoilt: dict[str, str]) -> list[Path]:
        """The folders that let nobody in, from now on."""
        wanted = [(digest, LOCKED[kind]) for digest, kind in spoilt.items() if kind in LOCKED]
        folders = sorted({self.cache.stored(digest).parents[depth] for digest, depth in wanted}, reverse=True)
        for folder in folders:  # the inner ones first
            folder.chmod(0)
        return folders[::-1]

    def _pull(self, digest: str, kind: str, chance: random.Random, found: Found) -> None:
        blob = self.upstream.blobs[digest]
        first = chance.randrange(len(blob)) if chance.random() < 0.4 else 0
        headers = {"Range": f"bytes={first}-"} if first else {}
        status, body = 0, b""
        for _ in range(3):  # an answer that was cut when the damage showed is asked for again, as clients do
            try:
                status, body = self.cache.ask(target(self.upstream, digest), headers)
                break
            except OSError:
                found.count("answers cut when the damage showed")
        right = status in (200, 206) and body == blob[first:]
        found.expect(right, f"{kind}: {status} with {len(body)} bytes for {digest} from byte {first}")
        fetched = any(asked.path.endswith(digest) for asked in self.upstream.blob_requests())
        found.expect(fetched, f"{kind}: {digest} was not asked for upstream: it did no damage, or nobody saw it")
        found.count("damages met", fetched)

    def _healed(self, digest: str, kind: str, found: Found) -> None:
        path = self.cache.stored(digest)
        try:
            eventually(lambda: path.is_file() and path.read_bytes() == self.upstream.blobs[digest], 5)
            found.count("blobs healed")
        except (AssertionError, OSError):
            found.broken.append(f"{kind}: {digest} was not healed on the disk")
