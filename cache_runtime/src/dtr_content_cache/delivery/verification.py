"""Blobs that lie on the volume but that this process has not hashed yet: bit rot, other writers, a vendor's volume.

A blob is hashed once per process life for each identity of its file; after that the kernel may send it. While it is
being hashed, readers wait a moment for the verdict and then follow the hashing, the last bytes held back: the same
rule as for a flight.
"""

from __future__ import annotations

import asyncio
import hashlib
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from ..storage import Identity, OpenBlob, Store
from ..values.digest import Digest
from ..values.events import BlobQuarantined, Emit, Fault, StorageTrouble
from ..values.failures import Failure, UpstreamUnavailable, WrongBytes
from .limits import HOLD_BACK_BYTES
from .progress import Progress

VERDICT_WITHIN_S = 1.0
VERDICTS_LIMIT = 200_000
_READ_BYTES = 1 << 20
_INLINE_BYTES = 128 * 1024


class Verification:
    """One hashing of one file, shared by everybody who asks for the blob meanwhile. It owns its descriptor.

    It ends with a `verdict`, or with a `failure` where it could not be carried through, which says nothing of the file.
    """

    def __init__(self, blob: OpenBlob, digest: Digest, store: Store) -> None:
        self.blob = blob
        self.digest = digest
        self.progress = Progress(asyncio.get_running_loop())
        self.hashed = 0
        self.verdict: bool | None = None
        self.failure: Failure | None = None
        self._store = store
        self._holders = 1

    def hash_all(self) -> bool:
        """In a thread. False for wrong bytes and for a file that cannot be read."""
        seen = hashlib.sha256()
        buffer = memoryview(bytearray(min(_READ_BYTES, self.blob.size)))
        while self.hashed < self.blob.size and self.failure is None:
            try:
                count = self._store.files.pread_into(self.blob.fd, buffer, self.hashed)
            except OSError:
                return False
            if count == 0:
                return False
            seen.update(buffer[:count])
            self.hashed += count
            self.progress.advance()
        return seen.hexdigest() == self.digest.hex

    async def available(self, position: int, end: int) -> int:
        """As Flight.available. Raise WrongBytes when the verdict is bad, or why there will be none."""
        while True:
            changed = self.progress.changed()
            if self.verdict:
                return end
            if self.verdict is False:
                raise WrongBytes("the bytes on the volume do not hash to the digest")
            if self.failure is not None:
                raise self.failure
            run = min(self.hashed, end)
            if end == self.blob.size:
                run = min(run, self.blob.size - HOLD_BACK_BYTES)
            if run > position:
                return run
            await changed

    def hold(self) -> None:
        self._holders += 1

    def release(self) -> None:
        self._holders -= 1
        if self._holders == 0:
            self._store.files.close(self.blob.fd)


class Verdicts:
    """Which files this process has seen to hold the right bytes, and the hashings under way. `lost(digest, size)` hears
    of each file that was set aside, once, however many waited for it."""

    def __init__(self, store: Store, threads: Executor, emit: Emit, lost: Callable[[Digest, int], None]) -> None:
        self._lost = lost
        self._store = store
        self._threads = threads
        self._emit = emit
        self._good: dict[str, int] = {}  # digest → hash of the file's identity; the numbers themselves would cost 5 ×
        self._running: dict[str, Verification] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def trusts(self, digest: Digest, identity: Identity) -> bool:
        return self._good.get(digest.hex) == hash(identity)

    def trust(self, digest: Digest, identity: Identity) -> None:
        if len(self._good) >= VERDICTS_LIMIT:
            del self._good[next(iter(self._good))]
        self._good[digest.hex] = hash(identity)

    def distrust(self, digest: Digest) -> None:
        self._good.pop(digest.hex, None)

    def check(self, digest: Digest, blob: OpenBlob) -> Verification:
        """Join the hashing of this blob or start one; `blob`'s descriptor is taken over. The caller holds the
        result."""
        running = self._running.get(digest.hex)
        if running is not None and running.blob.identity == blob.identity:
            self._store.files.close(blob.fd)
            running.hold()
            return running
        check = Verification(blob, digest, self._store)
        if blob.size <= _INLINE_BYTES:
            with self._carried_through(check):
                self._conclude(check, check.hash_all())
            return check
        self._running[digest.hex] = check
        check.hold()  # the task's own
        task = asyncio.get_running_loop().create_task(self._run(check))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return check

    async def _run(self, check: Verification) -> None:
        try:
            with self._carried_through(check):
                good = await asyncio.get_running_loop().run_in_executor(self._threads, check.hash_all)
                self._conclude(check, good)
        finally:
            if self._running.get(check.digest.hex) is check:
                del self._running[check.digest.hex]
            check.release()

    @contextmanager
    def _carried_through(self, check: Verification) -> Iterator[None]:
        """No thread or no memory to be had, or a bug of ours: nobody may wait for a verdict that will not come."""
        try:
            yield
        except Exception:
            self._emit(Fault("verification", traceback.format_exc()))
            check.failure = UpstreamUnavailable("internal error")
            check.progress.advance()

    def _conclude(self, check: Verification, good: bool) -> None:
        check.verdict = good
        if good:
            self.trust(check.digest, check.blob.identity)
        else:
            self._set_aside(check)
        check.progress.advance()

    def _set_aside(self, check: Verification) -> None:
        """Quarantine the rotten file, unless another process has put a new one there already."""
        try:
            there = self._store.open(check.digest)
        except Exception as failure:
            self._emit(StorageTrouble("opening", str(failure)))
            there = None
        if there is not None:
            self._store.files.close(there.fd)
            if there.identity != check.blob.identity:
                return
            self._store.quarantine(check.digest)
            self._lost(check.digest, check.blob.size)
        self._good.pop(check.digest.hex, None)
        self._emit(BlobQuarantined(str(check.digest), "the bytes on the volume do not hash to the digest"))

    async def settled(self, check: Verification) -> bool | None:
        """The verdict, or None if it takes longer than VERDICT_WITHIN_S. Raise why there will be none."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + VERDICT_WITHIN_S
        while check.verdict is None:
            if check.failure is not None:
                raise check.failure
            changed = check.progress.changed()
            left = deadline - loop.time()
            if check.verdict is None and left <= 0:
                return None
            if check.verdict is None:
                await asyncio.wait([changed], timeout=left)
        return check.verdict
