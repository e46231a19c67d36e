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

_CLAIMED_WITHIN_S = 0.01  # a fill waits no longer for the chance to take its room at once


class Reservation:
    """Room for one fill. `wrote` as bytes reach the volume, from any thread; `release` when the fill has ended either
    way: what is told after that changes nothing."""

    def __init__(self, space: SpaceKeeper, size: int, digest: Digest) -> None:
        self._space = space
        self.digest = digest
        self.size = size
        self.unwritten = size
        self.released = False

    def wrote(self, count: int) -> None:
        self._space.note_written(self, count)

    def claim(self, take: Callable[[], bool]) -> None:
        """`take` all that is unwritten at once, if it can be done now. In a thread."""
        self._space.claim(self, take)

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
        # By those who keep fills that wait for somebody: gives one of them up, the bytes of its room, None for none.
        self.waiting: list[Callable[[], int | None]] = []
        self.walk_again: Callable[[], None] = lambda: None  # set by the sweeper

    def reserve(self, size: int, digest: Digest) -> Reservation:
        """Raise NoSpace where `size` more bytes do not fit even after removing what may be removed. In a thread."""
        if not self.may_write:
            raise NoSpace("the storage is read-only by configuration")
        refusal = self.limits.refusal(size, self._store.space().total_bytes)
        if refusal:
            raise NoSpace(refusal)
        with self._making:
            over, reason = self._over_without_waiting(size)
            if over > 0 and not (self._may_free(over) and self._free(over, reason)):
                raise NoSpace(f"{over} bytes too little within {reason}")
            with self._lock:
                self._pledged += size
                self._unwritten += size
                self._tally.begun(digest.hex)
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

    def _over_without_waiting(self, wanted: int) -> tuple[int, str]:
        """As `_over`, after giving up as many waiting fills as that takes: no verified blob goes for their sake."""
        over, reason = self._over(wanted)
        for give_up in self.waiting:
            while over > 0 and (given := give_up()) is not None:
                over -= given
        return over, reason

    def _may_free(self, over: int) -> bool:
        """Would all that may be removed be enough? Asked before anything is: a size is an upstream's word, and one that
        can never be had would cost everybody's blobs for nothing."""
        if not self.may_delete:
            return False
        if over > (self.used_bytes or 0):
            self.walk_again()  # not counted yet, or others that share the volume have stored since
        return over <= (self.used_bytes or 0)

    def _free(self, over: int, reason: str) -> bool:
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
            over, reason = self._over_without_waiting(0)
            if over > 0 and self.may_delete:
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

    def claim(self, reservation: Reservation, take: Callable[[], bool]) -> None:
        """Nobody asks for room between the moment in which `take` has it and the one in which it is noted: it would be
        counted twice, and blobs go for nothing. Where room is being made, which may take long, it is not taken."""
        if not self._making.acquire(timeout=_CLAIMED_WITHIN_S):
            return
        try:
            if take():
                self.note_written(reservation, reservation.size)
        finally:
            self._making.release()

    def note_released(self, reservation: Reservation, *, stored: bool) -> None:
        with self._lock:
            if reservation.released:
                return
            reservation.released = True
            self._pledged -= reservation.size
            self._unwritten -= reservation.unwritten
            if stored:
                self._tally.stored(reservation.digest.hex, reservation.size)
            self._tally.ended(reservation.digest.hex)
            reservation.size = reservation.unwritten = 0

    def note_lost(self, digest: Digest, size: int) -> None:
        """A blob left the volume by another way than `evict`: it was found rotten."""
        with self._lock:
            self._tally.removed(digest.hex, size)
