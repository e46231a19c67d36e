"""What must be true after a life in which something failed: the next one starts, tidies up, has only right bytes."""

from __future__ import annotations

from collections.abc import Set

from doubles.running_cache import eventually

from .campaign import Found
from .lives import Cache, blobs_on


def live_again(cache: Cache, case: str, found: Found, may_be_wrong: Set[str] = frozenset()) -> None:
    """`may_be_wrong`: of these blobs, 64 hexadecimal digits each, nobody has asked since they rotted."""
    cache.start()
    found.expect(cache.listens(), f"{case}: its next life did not start: {cache.said()}")
    try:
        eventually(lambda: not cache.unfinished(), 10)
    except AssertionError:
        found.broken.append(f"{case}: left over: {cache.unfinished()}")
    cache.kill()
    blobs, wrong = blobs_on(cache.volume)
    found.count("blobs on disk checked", blobs)
    found.expect(set(wrong) <= may_be_wrong, f"{case}: wrong bytes stored under {wrong}")
