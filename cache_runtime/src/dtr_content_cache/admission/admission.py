"""The doorkeeper: holds the keys that count now, and remembers tokens whose signature it has verified already.

Remembered is only what never changes about a token: that this key set signed it, and what it says. Repository, digest
and time are compared on every request. Rule for editors: a new key set forgets everything; only verified tokens are
remembered, so nobody without a key can fill the memory. Event loop only.
"""

from __future__ import annotations

from collections import OrderedDict

from ..values.blob_address import BlobAddress
from ..values.clock import Clock
from .grant import Grant, check_use, read_token, verify
from .keys import KeySet

REMEMBERED_TOKENS = 4096  # some 4 MiB at the usual 700 characters


class Admission:
    def __init__(self, clock: Clock, clock_skew_s: float, remembered_tokens: int = REMEMBERED_TOKENS) -> None:
        self._clock = clock
        self._clock_skew_s = clock_skew_s
        self._limit = remembered_tokens
        self._keys: KeySet | None = None
        self._verified: OrderedDict[str, Grant] = OrderedDict()

    @property
    def keys(self) -> KeySet | None:
        """None until the first `use`: everything is then refused with "no-keys"."""
        return self._keys

    def use(self, keys: KeySet) -> None:
        """From now on `keys` decide, and no other."""
        if keys != self._keys:
            self._keys = keys
            self._verified.clear()

    def admit(self, address: BlobAddress, query: str) -> Grant:
        """The grant that lets a request with the raw `query` (without "?") read `address`. Raise GrantRefused."""
        token = read_token(query)
        grant = self._verified.get(token)
        if grant is None:
            grant = verify(token, self._keys)
            self._remember(token, grant)
        else:
            self._verified.move_to_end(token)
        check_use(grant, address, self._clock.wall(), self._clock_skew_s)
        return grant

    def _remember(self, token: str, grant: Grant) -> None:
        self._verified[token] = grant
        if len(self._verified) > self._limit:
            self._verified.popitem(last=False)
