"""Small documents kept for the next start: whole or not at all, never half of one.

Owns how it is written and read back; what is in it is the caller's. Rule for editors: the old one stays in place until
the new one is complete on the volume.
"""

from __future__ import annotations

import os

from .files import Files
from .layout import beside
from .unfinished import translated, write_all

_LIMIT_BYTES = 1 << 20


def remember(files: Files, path: str, document: bytes) -> None:
    """As the file `path`. Raise StorageBroken or NoSpace, the old document in place."""
    new = beside(path)
    try:
        fd = files.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
        try:
            write_all(files, fd, memoryview(document), 0)
            files.fsync(fd)
        finally:
            files.close(fd)
        files.rename(new, path)
    except OSError as error:
        try:
            files.unlink(new)
        except OSError:
            pass
        raise translated("keeping a small document", error) from error


def recall(files: Files, path: str) -> bytes | None:
    """What was remembered; None where there is nothing or it cannot be read."""
    try:
        fd = files.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return files.pread(fd, _LIMIT_BYTES, 0)
    except OSError:
        return None
    finally:
        files.close(fd)
