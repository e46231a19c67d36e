"""Small blobs kept in memory, each together with the head of its answer: most of an image's requests ask for such.

Owns a bounded number of bytes. The volume stays the only index: a copy counts only while the very file that it was
read from lies there, which is looked at once a second, as often as a pull is noted. Rule for editors: a copy is hashed
when it is read, whoever vouched for the file before; so what is in memory cannot be wrong. Event loop only.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from ..storage import Identity, OpenBlob, Store
from ..values.digest import Digest
from .answers import Headers
from .blob_headers import rest_of_hit
from .parcel import FileFailed, whole

SMALL_BYTES = 64 * 1024
MEMORY_BYTES = 16 * 1024 * 1024
LOOKED_AT_EVERY_S = 1.0
_OVERHEAD_BYTES = 2048  # of an entry, beside its body


@dataclass(slots=True)
class SmallBlob:
    """`kept`: an answer, down to the body's last byte, that begins with `lines`; `size` is the body's. `seen_s`: when
    its file was last seen on the volume."""

    identity: Identity
    kept: bytes
    size: int
    seen_s: float
    lines: bytes = b""

    def answer(self, lines: bytes) -> bytes:
        """The whole answer, beginning with `lines`: joined once for all of a second, because each time would move all
        the bytes through the processor's caches once more."""
        if self.lines is not lines:
            self.lines, self.kept = lines, lines + memoryview(self.kept)[len(self.lines) :]
        return self.kept


class SmallBlobs:
    """`extra` are the operator's headers, on every answer."""

    def __init__(self, store: Store, extra: Headers, limit_bytes: int = MEMORY_BYTES) -> None:
        self._store = store
        self._extra = extra
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, SmallBlob] = OrderedDict()

    def kept(self, digest: Digest, now_s: float) -> SmallBlob | None:
        """The copy, if its file lay on the volume as it was a second ago."""
        found = self._kept.get(digest.hex)
        if found is None:
            return None
        if abs(now_s - found.seen_s) >= LOOKED_AT_EVERY_S:
            if self._store.identity(digest) != found.identity:
                self._drop(digest.hex)
                return None
            found.seen_s = now_s
        self._kept.move_to_end(digest.hex)
        return found

    def read(self, digest: Digest, blob: OpenBlob, now_s: float) -> SmallBlob | None:
        """Read the open `blob` into memory, and keep the copy. None where its bytes cannot be read or are wrong."""
        try:
            body = whole(blob.fd, 0, blob.size)
        except FileFailed:
            return None
        if hashlib.sha256(body).hexdigest() != digest.hex:
            return None
        made = SmallBlob(blob.identity, rest_of_hit(str(digest), blob.size, self._extra) + body, blob.size, now_s)
        self._keep(digest.hex, made)
        return made

    def _keep(self, key: str, made: SmallBlob) -> None:
        self._drop(key)
        self._kept[key] = made
        self._bytes += made.size + _OVERHEAD_BYTES
        while self._bytes > self._limit_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._bytes -= gone.size + _OVERHEAD_BYTES
