"""What is known of a blob's beginning after it went by: its running hash, at places.

Who goes on behind such a place can still be judged as a whole, without fetching anew what went before. Rule for
editors: the bytes of a trail were never judged; a verdict over it that turns out bad says nothing about who was wrong,
so the trail is thrown away.
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_right

from .limits import TRAIL_STEP_BYTES


class Trail:
    """`mark` from a thread, `before` on the loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: list[int] = []
        self._hashes: list[hashlib._Hash] = []

    def mark(self, place: int, seen: hashlib._Hash) -> None:
        """`seen` is the hash of all bytes before `place`. Places that come soon after a known one are passed over."""
        with self._lock:
            if place >= (self._places[-1] if self._places else 0) + TRAIL_STEP_BYTES:
                self._places.append(place)
                self._hashes.append(seen.copy())

    def before(self, place: int) -> tuple[int, hashlib._Hash]:
        """The last known place that is not behind `place`, and the hash there; at worst the beginning."""
        with self._lock:
            at = bisect_right(self._places, place) - 1
            return (self._places[at], self._hashes[at].copy()) if at >= 0 else (0, hashlib.sha256())
