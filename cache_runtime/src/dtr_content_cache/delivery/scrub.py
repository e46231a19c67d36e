"""The background scrub: reads every blob once a day, slowly, and sets the rotten ones aside before a client meets
them."""

from __future__ import annotations

import asyncio
import hashlib
import traceback
from collections.abc import Callable
from concurrent.futures import Executor

from ..storage import Store, StoredBlob
from ..values.digest import Digest
from ..values.events import BlobQuarantined, Emit, Fault, StorageTrouble
from ..values.failures import Failure
from ..values.gentle import Gentle

SCRUB_EVERY_S = 86_400.0
SCRUB_BYTES_PER_S = 20 * 1000 * 1000
_FIRST_AFTER_S = 60.0
_READ_BYTES = 256 * 1024


class Scrubber:
    """`lost(digest, size)` hears of each blob that was set aside."""

    def __init__(self, store: Store, threads: Executor, emit: Emit, lost: Callable[[Digest, int], None]) -> None:
        self._lost = lost
        self._store = store
        self._threads = threads
        self._emit = emit
        self._stopping = False

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(_FIRST_AFTER_S)
        try:
            while True:
                began_s = loop.time()
                try:
                    await loop.run_in_executor(self._threads, self.scrub)
                except Exception:
                    # A bug of ours must not end the scrubbing: rot would be met by clients for ever.
                    self._emit(Fault("scrubber", traceback.format_exc()))
                await asyncio.sleep(max(60.0, SCRUB_EVERY_S - (loop.time() - began_s)))
        finally:
            self._stopping = True

    def scrub(self) -> None:
        """One pass over the volume, in a thread."""
        thread = Gentle()
        try:
            for blob in self._store.walk():
                if self._stopping:
                    return
                try:
                    self._look_at(blob, thread)
                except Failure as failure:
                    # Of this blob: those behind it may rot as well.
                    self._emit(StorageTrouble("scrubbing", str(failure)))
        except Failure as failure:
            self._emit(StorageTrouble("scrubbing", str(failure)))

    def _look_at(self, stored: StoredBlob, thread: Gentle) -> None:
        blob = self._store.open(stored.digest)
        if blob is None:
            return
        try:
            good = self._hashes_right(blob.fd, blob.size, stored.digest.hex, thread)
        except OSError as error:
            self._emit(StorageTrouble("scrubbing", error.strerror or "error"))
            return
        finally:
            self._store.files.close(blob.fd)
        if good is None:
            return
        if not good:
            again = self._store.open(stored.digest)
            if again is not None:
                self._store.files.close(again.fd)
                if again.identity == blob.identity:
                    self._store.quarantine(stored.digest)
                    self._lost(stored.digest, blob.size)
                    self._emit(
                        BlobQuarantined(str(stored.digest), "the scrub found bytes that do not hash to the digest")
                    )

    def _hashes_right(self, fd: int, size: int, expected_hex: str, thread: Gentle) -> bool | None:
        """None when stopped half-way."""
        seen, offset = hashlib.sha256(), 0
        buffer = memoryview(bytearray(_READ_BYTES))
        while offset < size:
            if self._stopping:
                return None
            count = self._store.files.pread_into(fd, buffer, offset)
            if count == 0:
                return False
            seen.update(buffer[:count])
            offset += count
            thread.rest(count / SCRUB_BYTES_PER_S)
        return seen.hexdigest() == expected_hex
