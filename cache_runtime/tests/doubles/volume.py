"""Blobs for a store, and what a look at a volume finds."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dtr_content_cache.storage import Space, Store
from dtr_content_cache.values.digest import Digest

from .clock import HandMovedClock
from .files import FailingFiles

NOW_S = 1_700_000_000.0


class SmallVolume(Store):
    """A store on a volume of `total_bytes`, of which the blobs and the unfinished take their part."""

    def __init__(self, root: str, total_bytes: int) -> None:
        super().__init__(root, FailingFiles())
        self.total_bytes = total_bytes

    def space(self) -> Space:
        files = [path for path in Path(self.layout.root).rglob("*") if path.is_file()]
        return Space(self.total_bytes, self.total_bytes - sum(path.stat().st_size for path in files))


def digest_of(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest())


def put(store: Store, data: bytes, now_s: float = NOW_S) -> Digest:
    """Through the store's own door, as a fill does it."""
    digest = digest_of(data)
    unfinished = store.begin(digest)
    try:
        unfinished.write(memoryview(data), 0)
        store.keep(unfinished, HandMovedClock(steady_s=now_s))
    finally:
        unfinished.close()
    return digest


def rotten(store: Store, data: bytes) -> Digest:
    """As `put`, and then the disk changed one bit of it."""
    digest = put(store, data)
    with open(store.layout.data(digest), "r+b") as file:
        file.write(bytes([data[0] ^ 1]))
    return digest


def read(store: Store, digest: Digest) -> bytes | None:
    """Through an open blob; None where the store has none."""
    blob = store.open(digest)
    if blob is None:
        return None
    try:
        return store.files.pread(blob.fd, blob.size + 1, 0)
    finally:
        store.files.close(blob.fd)


def files_below(root: Path, pattern: str = "**/*") -> dict[Path, bytes]:
    """What each file holds; without those that a cache removes while we look."""
    found = {}
    for path in root.glob(pattern):
        try:
            if path.is_file():
                found[path] = path.read_bytes()
        except FileNotFoundError:
            pass
    return found


def wrong_blobs(root: Path) -> list[Path]:
    """Files under a blob's name whose bytes do not hash to it."""
    found = files_below(root, "docker/registry/v2/blobs/sha256/*/*/data")
    return [path for path, data in found.items() if digest_of(data).hex != path.parent.name]


def leftovers(root: Path) -> list[str]:
    """Files of ours beside the blobs and the remembered document."""
    found = [path for path in (root / "content-cache").rglob("*") if not path.is_dir()]
    return [str(path.relative_to(root)) for path in found if path.name != "discovery.json"]
