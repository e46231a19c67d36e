"""Which file this is, and whether somebody has written to it: what a verdict on its bytes is remembered for."""

from __future__ import annotations

import os

Identity = tuple[int, int, int, int, int]


def identity_of(found: os.stat_result) -> Identity:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def same_bytes(one: Identity, other: Identity) -> bool:
    """Of one file at two moments: has nobody written to it between them? Its name may have changed."""
    return one[2:4] == other[2:4]
