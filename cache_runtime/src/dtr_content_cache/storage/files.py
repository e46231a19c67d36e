"""The seam: every system call on the volume, and nothing else. Tests replace it by one whose Nth call fails."""

from __future__ import annotations

import ctypes
import fcntl
import os
from collections.abc import Iterator
from typing import Any


def _wide(library: Any, name: str) -> Any:
    """The call that takes 64 bits, where there are two; musl has only one, which does."""
    return getattr(library, f"{name}64", None) or getattr(library, name)


_LIBC = ctypes.CDLL(None, use_errno=True)
_FALLOCATE = _wide(_LIBC, "fallocate")
_FALLOCATE.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
_KEEP_SIZE = 1
_FSTATFS = _wide(_LIBC, "fstatfs")
_FSTATFS.argtypes = (ctypes.c_int, ctypes.c_void_p)
_STATFS_LONGS = 64  # more than any machine's struct statfs has; the first of them is the kind
_TMPFS_KIND = 0x01021994


class Files:
    """`os`, one method a call; paths are `str`. All but `close` raise OSError as the kernel says it."""

    def open(self, path: str, flags: int, mode: int = 0o640) -> int:
        return os.open(path, flags | os.O_CLOEXEC, mode)

    def close(self, fd: int) -> None:
        """Never raises: Linux has released the descriptor whatever close says, and what must last was synced before."""
        try:
            os.close(fd)
        except OSError:
            pass

    def fstat(self, fd: int) -> os.stat_result:
        return os.fstat(fd)

    def lstat(self, path: str) -> os.stat_result:
        return os.lstat(path)

    def pread_into(self, fd: int, view: memoryview, offset: int) -> int:
        return os.preadv(fd, [view], offset)

    def pread(self, fd: int, count: int, offset: int) -> bytes:
        return os.pread(fd, count, offset)

    def pwrite(self, fd: int, view: memoryview, offset: int) -> int:
        return os.pwrite(fd, view, offset)

    def allocate(self, fd: int, size: int) -> None:
        """Give the file its room; its length stays. Not `os.posix_fallocate`: where a volume cannot, that one writes
        to each of the blocks."""
        _checked(_FALLOCATE(fd, _KEEP_SIZE, 0, size))

    def is_in_main_memory(self, fd: int) -> bool:
        """Is that where its file system keeps its files (tmpfs)? `os.fstatvfs` leaves a file system's kind out."""
        found = (ctypes.c_long * _STATFS_LONGS)()
        _checked(_FSTATFS(fd, found))
        return found[0] == _TMPFS_KIND

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def fsync(self, fd: int) -> None:
        os.fsync(fd)

    def lock(self, fd: int) -> None:
        """Take the exclusive lock or raise BlockingIOError at once."""
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(path)

    def rename(self, old: str, new: str) -> None:
        os.rename(old, new)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def mkdir(self, path: str) -> None:
        os.mkdir(path, 0o750)

    def rmdir(self, path: str) -> None:
        os.rmdir(path)

    def set_modified(self, path: str, seconds: float) -> None:
        os.utime(path, (seconds, seconds))

    def scandir(self, path: str) -> Iterator[os.DirEntry[str]]:
        with os.scandir(path) as entries:
            yield from entries

    def statvfs(self, path: str) -> os.statvfs_result:
        return os.statvfs(path)


def _checked(result: int) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
