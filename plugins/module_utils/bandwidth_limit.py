# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""One rate for all parallel downloads together.

Owns the accounting of time. Rule: the wait is computed under the lock and slept outside of it.
"""

from __future__ import annotations

import threading
import time

LARGEST_PIECE = 256 * 1024


class BandwidthLimit:
    """``rate`` in bytes per second, 0 for no limit. ``clock`` and ``sleep`` in seconds."""

    def __init__(self, rate, clock=time.monotonic, sleep=time.sleep):
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = clock()

    @property
    def piece(self):
        """Bytes to read at once: a quarter of a second's worth at most, so that a limit is felt evenly."""
        return min(LARGEST_PIECE, max(1024, self._rate // 4)) if self._rate else LARGEST_PIECE

    def spent(self, count):
        """``count`` bytes were read: wait until they fit the rate."""
        if not self._rate:
            return
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now) + count / self._rate
            wait = self._free_at - now
        self._sleep(wait)
