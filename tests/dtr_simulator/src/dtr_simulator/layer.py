"""The bytes of one layer: a gzip tar that depends on its seed alone.

Owns: content, tar, gzip, and the two digests that a layer has. Does not own: where layers lie (image_writer.py).
Rule: the same seed and size give the same bytes on every machine; nothing is held in memory whole.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
from dataclasses import dataclass
from typing import IO, Any

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Layer:
    digest: str  # of the gzip file
    size: int  # of the gzip file, bytes
    diff_id: str  # digest of the tar inside


def write_layer(file: IO[bytes], seed: str, size: int) -> Layer:
    """Write a gzip tar with one file of `size` random bytes and a small one."""
    compressed = _Hashing(file)
    # Random bytes do not compress; storing them keeps the wanted size and costs no time.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=0, fileobj=compressed, mtime=0) as packed:
        plain = _Hashing(packed)
        with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            _fill(archive, seed, size)
    return Layer(f"sha256:{compressed.hash.hexdigest()}", compressed.count, f"sha256:{plain.hash.hexdigest()}")


class _Hashing(io.RawIOBase):
    """Passes writes on, and knows their SHA-256 and number."""

    def __init__(self, target: Any) -> None:
        self._target, self.hash, self.count = target, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.hash.update(data)
        self.count += len(data)
        self._target.write(data)
        return len(data)


class _RandomBytes(io.RawIOBase):
    """`size` bytes that depend on the seed alone, never all in memory."""

    def __init__(self, seed: str, size: int) -> None:
        self._random, self._left = random.Random(seed), size
        self._buffer, self._taken = b"", 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._buffer) - self._taken < size and self._left:
            # Always the same step, so that the bytes do not depend on how they are asked for.
            step = min(_CHUNK, self._left)
            self._buffer, self._taken = self._buffer[self._taken:] + self._random.randbytes(step), 0
            self._left -= step
        start, self._taken = self._taken, min(self._taken + size, len(self._buffer))
        return self._buffer[start:self._taken]


def _fill(archive: tarfile.TarFile, seed: str, size: int) -> None:
    name = seed.replace("/", "-")
    notice = f"layer {seed}\n".encode()
    for path, content, length in ((f"data/{name}.bin", _RandomBytes(seed, size), size),
                                  (f"etc/layers/{name}", io.BytesIO(notice), len(notice))):
        entry = tarfile.TarInfo(path)
        entry.size = length
        archive.addfile(entry, content)
