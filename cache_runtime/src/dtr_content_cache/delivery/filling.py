"""The file of a flight while it fills: written by fetch threads, followed by readers, hashed once, in order.

`_lock` covers the extents and the holders; the running hash belongs to whichever thread holds `_hashing`. Bytes are
announced before they are hashed, so that a reader never waits for SHA-256 except at the very end.

Rules for editors: a byte that is present is never written again, whoever brings it a second time, or a late and lying
upstream would change what has been hashed already. And whoever uses the descriptor holds the filling meanwhile, because
the kernel gives a closed descriptor's number away at once, and a late write would land in another blob.
"""

from __future__ import annotations

import hashlib
import threading

from ..retention.space import Reservation, SpaceKeeper
from ..settings.model import Upstream
from ..storage import Store, UnfinishedBlob
from ..values.digest import Digest
from ..values.failures import StorageBroken
from .extents import Extents
from .limits import CLAIMED_FROM_BYTES
from .progress import Progress

_REREAD_BYTES = 1 << 20


class Filling:
    """`total` is the blob's length as `told_by` said it; `sources` are those who brought bytes of it, in that order;
    `is_new` until the first of them are here.

    Close with `release` by each holder; the last one closes the descriptor.
    """

    def __init__(
        self, digest: Digest, total: int, told_by: Upstream, unfinished: UnfinishedBlob, reservation: Reservation
    ) -> None:
        self.digest = digest
        self.total = total
        self.told_by = told_by
        self.sources: list[Upstream] = []
        self.unfinished = unfinished
        self.reservation = reservation
        self.progress: Progress | None = None
        self.fetched_bytes = 0
        self._extents = Extents()
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # one at a time: the kernel writes to one file no other way
        self._hashing = threading.Lock()
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._holders = 1
        self.is_new = True

    @classmethod
    def begin(cls, store: Store, space: SpaceKeeper, digest: Digest, total: int, told_by: Upstream) -> Filling:
        """Room first, then the file. Raise NoSpace or StorageBroken, no room taken."""
        reservation = space.reserve(total, digest)
        try:
            return cls(digest, total, told_by, store.begin(digest), reservation)
        except BaseException:
            reservation.release(stored=False)
            raise

    # -- fetch threads -------------------------------------------------------------------------------------------

    def add(self, view: memoryview, offset: int) -> bool:
        """What of it is not here yet. Was that all of it? Raise NoSpace or StorageBroken; what was written before stays
        announced."""
        with self._writing:
            with self._lock:
                self.fetched_bytes += len(view)
                wanted = self._extents.missing(offset, offset + len(view))
            for start, end in wanted:
                self.unfinished.write(view[start - offset : end - offset], start)
                self.reservation.wrote(end - start)
                with self._lock:
                    self._extents.add(start, end)
        if self.is_new:
            self._begun()
        else:
            self.announce()
        return wanted == [(offset, offset + len(view))]

    def hash(self, view: memoryview, offset: int, all_ours: bool) -> None:
        """Go on with the running hash by these bytes, which were added. Raise StorageBroken."""
        if self._hashing.acquire(blocking=False):
            try:
                self._hash_on(view, offset, all_ours=all_ours)
            finally:
                self._hashing.release()

    def announce(self) -> None:
        """Let the readers look again."""
        progress = self.progress  # who parks the filling takes it away
        if progress is not None:
            progress.advance()

    def _begun(self) -> None:
        """After the first bytes: nobody who waits for them waits for what can be done when they have left."""
        self.is_new = False
        progress = self.progress
        if progress is not None:
            progress.hand_over()
        if self.total >= CLAIMED_FROM_BYTES:
            with self._writing:
                self.reservation.claim(lambda: self.unfinished.claim(self.total))

    def _hash_on(self, view: memoryview, offset: int, *, all_ours: bool) -> None:
        if self._hashed == offset and all_ours:
            self._hash.update(view)
            self._hashed += len(view)
        elif self._hashed < offset + len(view):
            # Bytes that somebody else brought have been reached: catch up by and by, not all at the end.
            self._hash_up_to(min(self.run_end(self._hashed), self._hashed + 2 * len(view)))

    def verdict_at_hand(self) -> bool | None:
        """The verdict where every byte has been hashed on its way, as mostly; None where hashing is left to be done."""
        if not self._hashing.acquire(blocking=False):
            return None
        try:
            return self._hash.hexdigest() == self.digest.hex if self._hashed == self.total else None
        finally:
            self._hashing.release()

    def verdict(self) -> bool:
        """Hash what is not hashed yet; do the complete bytes have the digest? Raise StorageBroken."""
        with self._hashing:
            self._hash_up_to(self.total)
            return self._hash.hexdigest() == self.digest.hex

    def prefix_hash(self) -> tuple[int, hashlib._Hash]:
        """How many bytes from the start are here without a gap, and their running hash: to go on without the volume."""
        with self._hashing:
            end = self.run_end(0)
            self._hash_up_to(end)
            return end, self._hash.copy()

    def _hash_up_to(self, end: int) -> None:
        buffer = memoryview(bytearray(min(_REREAD_BYTES, max(1, end - self._hashed))))
        while self._hashed < end:
            count = self.unfinished.read_into(buffer[: end - self._hashed], self._hashed)
            if count == 0:
                break
            self._hash.update(buffer[:count])
            self._hashed += count

    # -- anybody -------------------------------------------------------------------------------------------------

    def run_end(self, position: int) -> int:
        with self._lock:
            return self._extents.run_end(position)

    def gap_end(self, position: int) -> int:
        with self._lock:
            return self._extents.gap_end(position, self.total)

    def missing(self, start: int, end: int) -> list[tuple[int, int]]:
        """The stretches between `start` and `end` that are not here."""
        with self._lock:
            return self._extents.missing(start, end)

    def present_bytes(self) -> int:
        with self._lock:
            return self._extents.present_bytes()

    @property
    def fd(self) -> int:
        return self.unfinished.fd

    def note_source(self, hop: Upstream) -> None:
        if hop not in self.sources:
            self.sources.append(hop)

    def hold(self) -> Filling:
        """Raise StorageBroken where everybody has let go of it already."""
        with self._lock:
            if self._holders == 0:
                raise StorageBroken("the unfinished file is closed")
            self._holders += 1
        return self

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            last = self._holders == 0
        if last:
            self.unfinished.close()

    def drop(self) -> None:
        """The bytes will not be kept: take their name away, give the room back. Holders may read on."""
        self.unfinished.drop_name()
        self.reservation.release(stored=False)
