"""The disk rots, or somebody meddles: whatever lies under a blob's name, nobody gets it, and the next pull heals it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from doubles.running_cache import eventually

from ..campaign import Found
from ..traffic import target
from .one_cache import OneCache


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


KINDS: dict[str, Callable[[Path, random.Random], None]] = {
    "a flipped bit": flip,
    "cut": _truncate,
    "extended": _extend,
    "a page of zeros": _zero,
    "another blob's bytes": lambda path, chance: path.write_bytes(chance.randbytes(path.stat().st_size)) and None,
    "a symbolic link": _other(lambda path: path.symlink_to("/etc/passwd")),
    "a hard link to another file": _other(lambda path: os.link(_stranger(path), path)),
    "a FIFO": _other(os.mkfifo),
    "a folder": _other(lambda path: path.mkdir()),
    "not readable": lambda path, chance: path.chmod(0),
    "gone": lambda path, chance: path.unlink(),
}


def _stranger(path: Path) -> Path:
    stranger = path.with_name("stranger")
    stranger.write_bytes(b"somebody's file")
    return stranger


class Rot(OneCache):
    name = "rot"
    promise = "Whatever the disk made of a blob is never served complete, and is healed from upstream by the next pull"
    unit = "start on a volume with rotten blobs"
    ci, full = 40, 5_000
    blobs, largest = 24, 2_000_000

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        self.upstream.asked.clear()
        spoilt = {digest: self._spoil(digest, chance, found) for digest in chance.sample(self.digests, 6)}
        self.cache.start()
        if not self.cache.listens():
            found.broken.append(f"it did not start: {self.cache.said()}")
        for digest, kind in spoilt.items():
            self._pull(digest, kind, chance, found)
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        self.cache.kill()
        return found

    def _spoil(self, digest: str, chance: random.Random, found: Found) -> str:
        path = self.cache.stored(digest)
        if not path.is_file() or path.read_bytes() != self.upstream.blobs[digest]:
            return "not there yet"
        kind = chance.choice(list(KINDS))
        KINDS[kind](path, chance)
        same = path.is_file() and path.stat().st_mode & 0o400 and path.read_bytes() == self.upstream.blobs[digest]
        found.count("damages done", not same)
        return "no damage" if same else kind

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
        path = self.cache.stored(digest)
        try:
            eventually(lambda: path.is_file() and path.read_bytes() == blob, 5)
            found.count("blobs healed or untouched")
        except (AssertionError, OSError):
            found.broken.append(f"{kind}: {digest} was not healed on the disk")
