"""What lies on the volume, found by looking: every complete blob, in no order.

Owns how the volume is walked, and that no blob's folder stays empty. Rule for editors: other processes add and remove
meanwhile, so whatever vanishes between two calls is left out, never a failure.
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


def walk(files: Files, layout: Layout, *, tidy: bool) -> Iterator[StoredBlob]:
    """`tidy`: remove blob folders that are empty. Raise StorageBroken where a folder that is there cannot be listed."""
    for shard in names(files, layout.blobs):
        if not is_shard(shard):
            continue
        for name in names(files, f"{layout.blobs}/{shard}"):
            if not is_blob_folder(name, shard):
                continue
            folder = f"{layout.blobs}/{shard}/{name}"
            try:
                pulled, data = files.lstat(folder).st_mtime, files.lstat(f"{folder}/data")
            except FileNotFoundError:
                if tidy:
                    _remove_if_empty(files, folder)
                continue
            except OSError:
                continue
            if stat.S_ISREG(data.st_mode):
                yield StoredBlob(Digest(name), data.st_size, pulled)


def _remove_if_empty(files: Files, folder: str) -> None:
    """Whoever is about to rename a blob into it makes it anew, as after an eviction (placing.py)."""
    try:
        files.rmdir(folder)
    except OSError:
        pass


def names(files: Files, folder: str) -> list[str]:
    """What `folder` holds; nothing where it is gone or is somebody's file under a folder's name."""
    try:
        return [entry.name for entry in files.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise translated("listing", error) from error
