"""The doorkeeper: holds the keys that count now, and remembers queries whose grant it has verified already.

Remembered is only what never changes about a query: that this key set signed its grant, and what that says.
Repository, digest and time are compared on every request. Rule for editors: a new key set forgets everything; only
verified grants are remembered, so nobody without a key can fill the memory. Event loop only.
"""

from __future__ import annotations

from collections import OrderedDict

from ..values.blob_address import BlobAddress
from ..values.clock import Clock
from .grant import Grant, check_use, read_token, verify
from .keys import KeySet

REMEMBERED_QUERIES = 4096  # some 4 MiB at the usual 700 characters
_REMEMBERED_CHARACTERS = 4096


class Admission:
    def __init__(self, clock: Clock, clock_skew_s: float, remembered_queries: int = REMEMBERED_QUERIES) -> None:
        self._clock = clock
        self._clock_skew_s = clock_skew_s
        self._limit = remembered_queries
        self._keys: KeySet | None = None
        self._verified: OrderedDict[str, Grant] = OrderedDict()

    @property
    def keys(self) -> KeySet | None:
        """None until the first `use`, and where it says so: everything is then refused with "no-keys"."""
        return self._keys

    def use(self, keys: KeySet | None) -> None:
        """From now on `keys` decide, and no other; None: nobody's."""
        if keys != self._keys:
            self._keys = keys
            self._verified.clear()

    def admit(self, address: BlobAddress, query: str) -> Grant:
        """The grant that lets a request with the raw `query` (without "?") read `address`. Raise GrantRefused."""
        grant = self._verified.get(query)
        if grant is None:
            grant = verify(read_token(query), self._keys)
            self._remember(query, grant)
        else:
            self._verified.move_to_end(query)
        check_use(grant, address, self._clock.wall(), self._clock_skew_s)
        return grant

    def _remember(self, query: str, grant: Grant) -> None:
        if len(query) > _REMEMBERED_CHARACTERS:
            return
        self._verified[query] = grant
        if len(self._verified) > self._limit:
            self._verified.popitem(last=False)
