"""Remembered answers of an upstream that decides itself: these credentials may read this blob of this repository.

A yes is bound to the identical credentials, repository and digest, and to a time; a no is never remembered.
Credentials are kept as a keyed hash only. Rule for editors: event loop only; nothing here opens anything.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict

from ..values.blob_address import BlobAddress
from ..values.clock import Clock

REMEMBERED_VERDICTS = 20_000


class RememberedVerdicts:
    """`ttl_s` 0 remembers nothing: the upstream is asked every time."""

    def __init__(self, clock: Clock, ttl_s: float, limit: int = REMEMBERED_VERDICTS) -> None:
        self._clock = clock
        self._ttl_s = ttl_s
        self._limit = limit
        self._secret = secrets.token_bytes(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def remembers(self, credentials: str, address: BlobAddress) -> bool:
        key = self._key(credentials, address)
        until_s = self._until.get(key)
        if until_s is None:
            return False
        if self._clock.steady() >= until_s:
            del self._until[key]
            return False
        return True

    def remember(self, credentials: str, address: BlobAddress) -> None:
        if self._ttl_s <= 0:
            return
        key = self._key(credentials, address)
        self._until[key] = self._clock.steady() + self._ttl_s
        self._until.move_to_end(key)
        if len(self._until) > self._limit:
            self._until.popitem(last=False)

    def _key(self, credentials: str, address: BlobAddress) -> bytes:
        # Lengths first, so that no two different triples write the same bytes.
        text = f"{len(credentials)}:{credentials}{len(address.repository)}:{address.repository}{address.digest}"
        return hashlib.blake2b(text.encode("latin-1", "replace"), key=self._secret, digest_size=32).digest()
