"""How much, how long, how often: the numbers of the fetch side in one place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PIECE_BYTES = 1 << 20  # most that a fetch thread takes from an upstream at once
FIRST_PIECE_BYTES = 64 * 1024  # and of a blob's first bytes: while it takes more, more comes, and a client waits
BESIDE_FROM_BYTES = 4 << 20  # a stretch from this length on is hashed by a thread beside the one that brings it
CLAIMED_FROM_BYTES = 1 << 20  # a blob from this size on takes its whole room on the volume at once
ASKED_WITHIN_S = 0.0005  # the loop lets a new flight put its question first
HANDED_OVER_WITHIN_S = 0.01  # a fetch thread lets the readers have the first bytes before it goes on
HOLD_BACK_BYTES = 256 * 1024  # of a response, until the verdict: what may still be repaired unseen
FAR_BYTES = 1 << 20  # a reader this far ahead of the transfer gets one of its own
WORTH_A_CONNECTION_BYTES = 256 * 1024  # less than this is fetched twice rather than by one connection more
GOOD_FOR_ANOTHER_S = 30.0  # an open transfer is left for another only with a passage that is good for so long
SEGMENTS_LIMIT = 4  # such transfers at the same time, a flight
ROUNDS_LIMIT = 4  # rounds through all upstreams without a single new byte
LEAST_GAIN_BYTES = 64 * 1024  # a transfer that breaks with less gained nothing: drops must not cost a request each
ROUND_PAUSE_S = 0.5  # doubled after each round
PATIENCE_S = 20.0  # no third round after this: a client waits, and so may a chain of caches behind each other
RETRY_AFTER_HONOURED_S = 10  # an upstream that asks for more gets its wish passed on to the client
PARKED_S = 600.0  # an unfinished blob waits this long for the next reader
PARKED_LIMIT = 16
STORED_AT_END_WITHIN_S = 5.0  # at the end of the program, for verified blobs to be synced and named
LINGER_S = 60.0  # a flight without readers goes on this long (a client that was cut comes back)
LINGER_WHOLE_BYTES = 64 << 20  # with no more than this to go it goes on to its end
JUDGED_AHEAD_BYTES = 64 << 20  # without the volume: what is fetched beside the asked range to know whether it is right
WINDOWS_BYTES = 64 << 20  # of memory, for all streams past the volume together
WINDOW_LEAST_BYTES = 512 * 1024  # for each of them, however many
AHEAD_BYTES = 1 << 20  # a stream is at most so far ahead of its fastest reader
TRAIL_STEP_BYTES = 16 << 20  # between places whose hash is remembered
TRAILS_LIMIT = 16  # blobs of which they are
EXPECTED_S = 1.0  # after a flight has lost the volume: whoever comes before its readers have begun a stream joins them


_SLEPT_AT_ONCE_S = 0.25  # by who waits for its turn under a cap, before it looks whether it still has to


class Throttle:
    """A cap on bytes per second over all fetch threads. None: no cap. Another cap counts at once: nobody goes on
    waiting for what the one before asked."""

    def __init__(self, bytes_per_s: int | None) -> None:
        self._rate = bytes_per_s
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._caps = 0  # so many there were

    def limit(self, bytes_per_s: int | None) -> None:
        if bytes_per_s == self._rate:
            return  # a reload that says nothing new excuses nobody from waiting
        with self._lock:
            self._rate, self._free_at = bytes_per_s, 0.0
            self._caps += 1

    @property
    def piece_bytes(self) -> int:
        """The largest piece worth asking for: about a tenth of a second's worth."""
        rate = self._rate
        return PIECE_BYTES if rate is None else max(4096, min(PIECE_BYTES, rate // 10))

    def take(self, count: int, given_up: Callable[[], bool] = lambda: False) -> None:
        """Wait until the `count` bytes that came are within the cap, or until it is no use: they are given up.

        No more than a piece counts: what came by a larger one was asked for before there was this cap.
        """
        with self._lock:
            rate, caps = self._rate, self._caps
            if rate is None:
                return
            self._free_at = max(self._free_at, time.monotonic()) + min(count, self.piece_bytes) / rate
            until_s = self._free_at - 0.1
        while caps == self._caps and not given_up() and (wait_s := until_s - time.monotonic()) > 0:
            time.sleep(min(wait_s, _SLEPT_AT_ONCE_S))
