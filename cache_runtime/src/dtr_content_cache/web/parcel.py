"""What is still to go out to a client: bytes, then a part of an open file. The streams take from it what leaves.

Owns how bytes of a file are read into memory where the kernel cannot send them, and whether the file is still the one
that was judged. Rule for editors: a parcel holds a descriptor, it does not own it; whoever made the parcel closes it.
"""

from __future__ import annotations

import os
from enum import Enum

from ..storage import Identity, identity_of, same_bytes

TOGETHER_BYTES = 64 * 1024  # so little of a file goes out in one piece with the head


class FileFailed(Exception):
    """The file ended before the bytes that were promised, cannot be read, or was written to by somebody."""


class Pushed(Enum):
    """How far a push came: the parcel is gone, the socket takes no more, or others shall have their turn."""

    ALL = 1
    SOCKET_FULL = 2
    TURN_OVER = 3


class Parcel:
    """`data`, then `length` bytes at `offset` of the open file `fd`. `judged`: the file as it was when its bytes were
    found right, None while it is being written. `late`: that was not just now. `waits`: it did not go out in one
    turn."""

    __slots__ = ("data", "fd", "judged", "late", "length", "offset", "waits")

    def __init__(
        self,
        data: bytes | memoryview,
        fd: int = -1,
        offset: int = 0,
        length: int = 0,
        judged: Identity | None = None,
        *,
        late: bool = False,
    ) -> None:
        self.data = data
        self.fd, self.offset, self.length = fd, offset, length
        self.judged = judged
        self.late = late
        self.waits = False

    def check_last(self) -> None:
        """Before the last bytes leave: raise FileFailed where somebody has written to the file since it was judged.

        Only for what had to wait for its client, or was judged a while ago: what leaves at once gives nobody the time.
        A file that was removed or renamed meanwhile is still the same file.
        """
        if self.judged is None or not (self.waits or self.late):
            return
        try:
            now = identity_of(os.fstat(self.fd))
        except OSError as error:
            raise FileFailed from error
        if not same_bytes(now, self.judged):
            raise FileFailed

    def took(self, count: int) -> None:
        """The next `count` bytes have left."""
        if count == len(self.data):
            self.data = b""
            return
        of_file = max(0, count - len(self.data))
        self.data = memoryview(self.data)[count:] if count < len(self.data) else b""
        self.offset += of_file
        self.length -= of_file

    def load(self) -> None:
        """Read the file's bytes behind `data`. Raise FileFailed."""
        if self.length:
            self.data = bytes(self.data) + whole(self.fd, self.offset, self.length)
            self.check_last()
            self.offset, self.length = self.offset + self.length, 0

    def copy_next(self, into: memoryview) -> memoryview:
        """The next bytes, as many as fit, copied `into`; they stay in the parcel until they are taken. Raise
        FileFailed."""
        position = len(self.data)
        into[:position] = self.data
        start, end = self.offset - position, min(position + self.length, len(into))
        while position < end:
            try:
                count = os.preadv(self.fd, [into[position:end]], start + position)
            except OSError as error:
                raise FileFailed from error
            if not count:
                raise FileFailed
            position += count
        return into[:end]


def whole(fd: int, offset: int, length: int) -> bytes:
    """Exactly `length` bytes. Raise FileFailed where there are fewer, or the file cannot be read."""
    data = b""
    while len(data) < length:
        try:
            more = os.pread(fd, length - len(data), offset + len(data))
        except OSError as error:
            raise FileFailed from error
        if not more:
            raise FileFailed
        data = data + more if data else more
    return data
