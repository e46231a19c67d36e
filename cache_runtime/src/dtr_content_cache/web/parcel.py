"""What is still to go out to a client: bytes, then a part of an open file. The streams take from it what leaves.

Owns how bytes of a file are read into memory where the kernel cannot send them. Rule for editors: a parcel holds a
descriptor, it does not own it; whoever made the parcel closes it.
"""

from __future__ import annotations

import os
from enum import Enum

TOGETHER_BYTES = 64 * 1024  # so little of a file goes out in one piece with the head


class FileFailed(Exception):
    """The file ended before the bytes that were promised, or cannot be read."""


class Pushed(Enum):
    """How far a push came: the parcel is gone, the socket takes no more, or others shall have their turn."""

    ALL = 1
    SOCKET_FULL = 2
    TURN_OVER = 3


class Parcel:
    """`data`, then `length` bytes at `offset` of the open file `fd`."""

    __slots__ = ("data", "fd", "length", "offset")

    def __init__(self, data: bytes | memoryview, fd: int = -1, offset: int = 0, length: int = 0) -> None:
        self.data = data
        self.fd, self.offset, self.length = fd, offset, length

    def took(self, count: int) -> None:
        """`count` bytes of `data` have left."""
        self.data = memoryview(self.data)[count:] if count < len(self.data) else b""

    def took_of_file(self, count: int) -> None:
        self.offset += count
        self.length -= count

    def load(self, limit_bytes: int) -> None:
        """Read the next bytes of the file, at most so many, behind `data`. Raise FileFailed."""
        count = min(self.length, limit_bytes)
        if count:
            piece = whole(self.fd, self.offset, count)
            self.data = bytes(self.data) + piece if self.data else piece
            self.took_of_file(count)


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
