"""Room on the volume: promised before the first byte of a fill, made by removing the least recently pulled blobs.

Called from fill threads, the sweeper's thread and the event loop. Rule for editors: `_lock` covers the sums and is held
for a moment, because the loop takes it, too; `_making` lets one thread at a time make room, which may mean a walk over
the whole volume, so the loop never takes that one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from itertools import islice

from ..storage import Store, StoredBlob
from ..values.clock import Clock
from ..values.digest import Digest
from ..values.events import BlobEvicted, Emit, StorageTrouble
from ..values.failures import NoSpace, StorageBroken
from .choice import Limits, bytes_over, idle_s
from .tally import Tally, Walk


class Reservation:
    """Room for one fill. `wrote` as bytes reach the volume, from any thread; `release` when the fill has ended either
    way: what is told after that changes nothing."""

    def __init__(self, space: SpaceKeeper, size: int, digest: Digest) -> None:
        self._space = space
        self.digest = digest
        self.size = size
        self.unwritten = size

    def wrote(self, count: int) -> None:
        self._space.note_written(self, count)

    def release(self, *, stored: bool) -> None:
        self._space.note_released(self, stored=stored)


class SpaceKeeper:
    def __init__(
        self, store: Store, limits: Limits, clock: Clock, emit: Emit, *, may_delete: bool, may_write: bool
    ) -> None:
        self._store = store
        self._clock = clock
        self._emit = emit
        self.limits = limits
        self.may_delete = may_delete
        self.may_write = may_write
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._tally = Tally()
        self._pledged = 0
        self._unwritten = 0
        self._oldest: deque[StoredBlob] = deque()
        self.walk_again: Callable[[], None] = lambda: None  # set by the sweeper

    def reserve(self, size: int, digest: Digest) -> Reservation:
        """Raise NoSpace where `size` more bytes do not fit even after removing what may be removed. In a thread."""
        if not self.may_write:
            raise NoSpace("the storage is read-only by configuration")
        if self.limits.max_size_bytes is not None and size > self.limits.max_size_bytes:
            raise NoSpace("the blob is larger than maxsize")
        with self._making:
            over, reason = self._over(size)
            if over and not self._free(over, reason):
                raise NoSpace(f"{over} bytes too little within {reason}")
            with self._lock:
                self._pledged += size
                self._unwritten += size
                self._tally.coming.add(digest.hex)
        return Reservation(self, size, digest)

    def _over(self, wanted: int) -> tuple[int, str]:
        volume = self._store.space()
        with self._lock:
            return bytes_over(
                self.limits,
                used=self._tally.used_bytes,
                pledged=self._pledged,
                unwritten=self._unwritten,
                wanted=wanted,
                volume_total=volume.total_bytes,
                volume_free=volume.free_bytes,
            )

    def _free(self, over: int, reason: str) -> bool:
        if not self.may_delete:
            return False
        for walked in (False, True):
            if walked:
                self.walk_again()  # the list of candidates is used up: look at the volume once more
            while over > 0 and (blob := self._next_victim()) is not None:
                over -= self.evict(blob, reason)
            if over <= 0:
                return True
        return False

    def _next_victim(self) -> StoredBlob | None:
        with self._lock:
            return self._oldest.popleft() if self._oldest else None

    def evict(self, blob: StoredBlob, reason: str) -> int:
        """Remove `blob` unless it was pulled since it was listed. Returns the bytes freed."""
        with self._lock:
            pulled = self._store.pulled_s(blob.digest)
            if pulled is None or pulled > blob.pulled_s:
                return 0
            try:
                removed = self._store.remove(blob.digest)
            except (StorageBroken, NoSpace) as failure:
                self._emit(StorageTrouble("evicting", str(failure)))
                return 0
            if not removed:
                return 0
            self._tally.removed(blob.digest.hex, blob.size)
        self._emit(BlobEvicted(str(blob.digest), blob.size, idle_s(blob, self._clock.steady()), reason))
        return blob.size

    @property
    def used_bytes(self) -> int | None:
        """Of the complete blobs; None while they are being counted for the first time."""
        with self._lock:
            return self._tally.used_bytes

    def next_to_go(self, count: int) -> list[StoredBlob]:
        """The `count` least recently pulled, as far as the last walk knows them. May touch the volume: in a thread."""
        with self._lock:
            listed = list(islice(self._oldest, 4 * count))
        unchanged = (blob for blob in listed if self._store.pulled_s(blob.digest) == blob.pulled_s)
        return list(islice(unchanged, count))

    def trim(self) -> None:
        """Bring the volume back within its limits, as after a smaller `maxsize` was configured."""
        with self._making:
            over, reason = self._over(0)
            if over:
                self._free(over, reason)

    def begin_walk(self) -> Walk:
        with self._lock:
            return self._tally.begin()

    def drop_walk(self, walk: Walk) -> None:
        """It came to no end."""
        with self._lock:
            self._tally.drop(walk)

    def end_walk(self, walk: Walk, walked_bytes: int, oldest: list[StoredBlob]) -> None:
        """What a walk over the volume found."""
        with self._lock:
            self._tally.end(walk, walked_bytes)
            self._oldest = deque(oldest)

    def note_written(self, reservation: Reservation, count: int) -> None:
        with self._lock:
            count = min(count, reservation.unwritten)
            reservation.unwritten -= count
            self._unwritten -= count

    def note_released(self, reservation: Reservation, *, stored: bool) -> None:
        with self._lock:
            self._pledged -= reservation.size
            self._unwritten -= reservation.unwritten
            if stored and reservation.size:
                self._tally.stored(reservation.digest.hex, reservation.size)
            self._tally.ended(reservation.digest.hex)
            reservation.size = reservation.unwritten = 0

    def note_lost(self, digest: Digest, size: int) -> None:
        """A blob left the volume by another way than `evict`: it was found rotten."""
        with self._lock:
            self._tally.removed(digest.hex, size)
