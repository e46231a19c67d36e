"""When each blob was last pulled: the time of its folder on the volume, written at most once a second.

Rule for editors: threads that store blobs, the sweeper and the loop all note here. A thread may be stopped for seconds
between taking the time and writing it, and must not undo what others have noted meanwhile.
"""

from __future__ import annotations

import threading

from ..values.digest import Digest
from .files import Files
from .layout import Layout

# For one blob: the most that a crash can lose of its age.
PULL_NOTED_EVERY_S = 1.0
_NOTED_LIMIT = 100_000


class LastPulls:
    """Times are seconds since the epoch, of a clock that only runs forward (Clock.steady)."""

    def __init__(self, files: Files, layout: Layout, *, read_only: bool) -> None:
        self._files = files
        self._layout = layout
        self._read_only = read_only
        self._noted: dict[str, float] = {}
        self._noting = threading.Lock()

    def note(self, digest: Digest, now_s: float) -> None:
        """The blob was pulled. A failure is not the client's: the blob only looks older than it is."""
        if abs(now_s - self._noted.get(digest.hex, 0.0)) < PULL_NOTED_EVERY_S:
            return
        with self._noting:
            if now_s > self._noted.get(digest.hex, 0.0):
                self._write(digest, now_s)

    def date_anew(self, digest: Digest, now_s: float) -> None:
        """The time noted for the blob lies where it cannot: its last pull counts as now. Failures as `note`."""
        with self._noting:
            self._write(digest, now_s)

    def forget(self, digest: Digest) -> None:
        """The blob is another file now, or gone: the next pull is noted whenever it comes."""
        self._noted.pop(digest.hex, None)

    def pulled_s(self, digest: Digest) -> float | None:
        """None where the blob is gone."""
        try:
            return self._files.lstat(self._layout.folder(digest)).st_mtime
        except OSError:
            return None

    def _write(self, digest: Digest, now_s: float) -> None:
        if len(self._noted) >= _NOTED_LIMIT:
            self._noted.clear()
        self._noted[digest.hex] = now_s
        if self._read_only:
            return
        try:
            self._files.set_modified(self._layout.folder(digest), now_s)
        except OSError:
            pass
