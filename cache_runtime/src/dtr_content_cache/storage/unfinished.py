"""A blob being written: bytes without a verdict, under a name of their own, locked as long as somebody fills it.

The lock is how another process (or our own next life) tells a fill in progress from one whose writer died.
"""

from __future__ import annotations

import errno
import os
import secrets

from ..values.digest import Digest
from ..values.failures import NoSpace, StorageBroken
from .files import Files
from .identity import Identity, identity_of
from .layout import Layout

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# The kernel keeps each write in as large a page as it can. Large ones it often has only in memory that a virtual
# machine has given back to its host, which it then waits for; so small ones are left over when memory is in pieces.
_WRITE_BYTES = 64 * 1024
_BLOCK_BYTES = 512  # what st_blocks counts, whatever the volume's own blocks are


def translated(operation: str, error: OSError) -> NoSpace | StorageBroken:
    """The failure that an OSError of the volume means to the rest of the program."""
    if error.errno in _FULL:
        return NoSpace(f"{operation}: {errno.errorcode[error.errno or 0]}")
    return StorageBroken(f"{operation}: {errno.errorcode.get(error.errno or 0, str(error.errno))}")


def write_all(files: Files, fd: int, view: memoryview, offset: int) -> None:
    """However many calls it takes; a volume that takes nothing any more is broken, not worth asking for ever."""
    while view:
        written = files.pwrite(fd, view[:_WRITE_BYTES], offset)
        if written == 0:
            raise OSError(errno.EIO, "nothing was written")
        view, offset = view[written:], offset + written


class UnfinishedBlob:
    """Use `create`, then `write`/`read_into` at offsets, from any thread; then Store.keep, or `drop_name`.

    The descriptor stays readable after both, for those who still send from it; the owner calls `close` last.
    """

    def __init__(self, files: Files, path: str, fd: int, digest: Digest) -> None:
        self._files = files
        self.path = path
        self.fd = fd
        self.digest = digest

    @classmethod
    def create(cls, files: Files, layout: Layout, digest: Digest) -> UnfinishedBlob:
        try:
            while True:
                path = f"{layout.unfinished}/{digest.hex}.{secrets.token_hex(8)}"
                fd = files.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
                try:
                    if _locked_and_named(files, fd):
                        return cls(files, path, fd, digest)
                except OSError:
                    files.close(fd)
                    files.unlink(path)
                    raise
                files.close(fd)
        except OSError as error:
            raise translated("creating a file", error) from error

    def claim(self, size: int) -> bool:
        """Take the room of `size` bytes at once, which makes writing them a third cheaper and keeps them together on
        the disk. False where it is not to be had or the volume knows no such thing: then each write takes its own. So
        it does in main memory, where to take room is to write zeros: for seconds, while all others wait for theirs.

        Not while others write: what a volume gave of too large a claim is given back by cutting the file at its end.
        """
        try:
            if self._files.is_in_main_memory(self.fd):
                return False
            self._files.allocate(self.fd, size)
            # Some volumes say yes and give nothing (ZFS).
            return self._files.fstat(self.fd).st_blocks * _BLOCK_BYTES >= size
        except OSError as error:
            if error.errno in _FULL:
                self._unclaim()
            return False

    def _unclaim(self) -> None:
        """ext4 keeps what it could give: without this nobody else could write until the fill has ended."""
        try:
            self._files.truncate(self.fd, self._files.fstat(self.fd).st_size)
        except OSError:
            pass

    def write(self, view: memoryview, offset: int) -> None:
        try:
            write_all(self._files, self.fd, view, offset)
        except OSError as error:
            raise translated("writing", error) from error

    def read_into(self, view: memoryview, offset: int) -> int:
        try:
            return self._files.pread_into(self.fd, view, offset)
        except OSError as error:
            raise translated("reading", error) from error

    def drop_name(self) -> None:
        """Remove the bytes' name. Never raises: what cannot be removed now is removed by the next sweep."""
        try:
            self._files.unlink(self.path)
        except OSError:
            pass

    def identity(self) -> Identity | None:
        """Of the file as it is now; None where the volume does not say."""
        try:
            return identity_of(self._files.fstat(self.fd))
        except OSError:
            return None

    def close(self) -> None:
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            self._files.close(fd)


def _locked_and_named(files: Files, fd: int) -> bool:
    """Lock the new file; False if a sweep of another process removed it between its creation and the lock."""
    try:
        files.lock(fd)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL):
            raise  # a volume without locks is swept by age instead
    return files.fstat(fd).st_nlink > 0
