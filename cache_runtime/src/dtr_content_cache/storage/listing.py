"""What lies on the volume, found by looking: every complete blob, in no order.

Owns how the volume is walked. Rule for editors: other processes add and remove meanwhile, so whatever vanishes between
two calls is left out, never a failure.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass

from ..values.digest import Digest
from .files import Files
from .layout import Layout, is_blob_folder, is_shard
from .unfinished import translated


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """`size` in bytes; `pulled_s` is when it was last pulled, in seconds since the epoch."""

    digest: Digest
    size: int
    pulled_s: float


def walk(files: Files, layout: Layout) -> Iterator[StoredBlob]:
    """Raise StorageBroken where a folder that is there cannot be listed."""
    for shard in names(files, layout.blobs):
        if not is_shard(shard):
            continue
        for name in names(files, f"{layout.blobs}/{shard}"):
            if not is_blob_folder(name, shard):
                continue
            folder = f"{layout.blobs}/{shard}/{name}"
            try:
                pulled, data = files.lstat(folder).st_mtime, files.lstat(f"{folder}/data")
            except OSError:
                continue
            if stat.S_ISREG(data.st_mode):
                yield StoredBlob(Digest(name), data.st_size, pulled)


def names(files: Files, folder: str) -> list[str]:
    """What `folder` holds; nothing where it is gone or is somebody's file under a folder's name."""
    try:
        return [entry.name for entry in files.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise translated("listing", error) from error
