"""What dead writers left on the volume, and what was set aside: found and removed.

Owns the rule by which a file counts as left over. Rule for editors: whatever is not certainly left over stays; one file
that resists never keeps the others from being swept.
"""

from __future__ import annotations

import os

from .files import Files
from .layout import Layout, is_beside

QUARANTINED_S = 7 * 86400.0
BESIDE_S = 3600.0


def sweep(files: Files, layout: Layout, names: list[list[str]], now_s: float, age_s: float) -> int:
    """Remove the left over among `names`, those of `unfinished`, of `quarantine` and of our own folder.

    `age_s` decides on a volume without locks. Returns how many were removed.
    """
    unfinished, quarantined, beside = names
    removed = [_remove_if_dead(files, f"{layout.unfinished}/{name}", now_s, age_s) for name in unfinished]
    removed += [_remove_if_old(files, f"{layout.quarantine}/{name}", now_s, QUARANTINED_S) for name in quarantined]
    removed += [_remove_if_old(files, f"{layout.own}/{name}", now_s, BESIDE_S) for name in beside if is_beside(name)]
    return sum(removed)


def _remove_if_dead(files: Files, path: str, now_s: float, age_s: float) -> bool:
    """Its writer holds a lock as long as it lives."""
    try:
        fd = files.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not _is_dead(files, fd, now_s, age_s):
            return False
        files.unlink(path)
        return True
    except OSError:
        return False
    finally:
        files.close(fd)


def _is_dead(files: Files, fd: int, now_s: float, age_s: float) -> bool:
    try:
        files.lock(fd)
    except BlockingIOError:
        return False
    except OSError:
        return now_s - files.fstat(fd).st_mtime > age_s
    return True


def _remove_if_old(files: Files, path: str, now_s: float, age_s: float) -> bool:
    try:
        if now_s - files.lstat(path).st_ctime <= age_s:
            return False
        files.unlink(path)
    except OSError:
        return False
    return True
