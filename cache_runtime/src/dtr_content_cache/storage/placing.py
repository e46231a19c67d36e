"""Giving verified bytes their final name so that a power cut leaves all of them or none.

Owns the order: bytes synced, then named, then the name synced with every folder above it that may be new. Rule for
editors: a failed sync is never tried again on the same file, because the kernel may have dropped the dirty pages and
would then report success.
"""

from __future__ import annotations

import os
import stat

from ..values.digest import Digest
from .files import Files
from .identity import identity_of, same_bytes
from .layout import Layout

_RENAMES_LIMIT = 3


def place(files: Files, layout: Layout, fd: int, path: str, digest: Digest) -> os.stat_result | None:
    """Sync the open file `fd`, rename it from `path` to the blob's place; what it is there. Raise OSError.

    None where another process has put one of this size there meanwhile: that one stays, because hosts may be sending
    from it, and on NFS a file that is replaced breaks off under them. Ours loses its name. None, too, where somebody
    wrote to ours meanwhile: it has its name, and is to be judged anew.
    """
    judged = files.fstat(fd)
    if _is_there(files, layout.data(digest), judged.st_size):
        files.unlink(path)
        return None
    files.fsync(fd)
    _rename(files, layout, path, digest)
    for folder in (layout.folder(digest), layout.shard(digest), layout.blobs):
        _sync_folder(files, folder)
    placed = files.fstat(fd)
    return placed if same_bytes(identity_of(placed), identity_of(judged)) else None


def _is_there(files: Files, path: str, size: int) -> bool:
    try:
        found = files.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == size


def make_folder(files: Files, path: str) -> None:
    try:
        files.mkdir(path)
    except FileExistsError:
        pass


def _rename(files: Files, layout: Layout, path: str, digest: Digest) -> None:
    attempts_left = _RENAMES_LIMIT
    while True:
        make_folder(files, layout.shard(digest))
        make_folder(files, layout.folder(digest))
        try:
            files.rename(path, layout.data(digest))
            return
        except FileNotFoundError:
            # An eviction, or a walk, removed the empty folder between the two calls.
            attempts_left -= 1
            if not attempts_left:
                raise


def _sync_folder(files: Files, path: str) -> None:
    try:
        fd = files.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return  # evicted meanwhile: nothing left to make durable
    try:
        files.fsync(fd)
    finally:
        files.close(fd)
