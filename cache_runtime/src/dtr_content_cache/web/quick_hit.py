"""The plain GET of a blob that lies on the volume, answered in one go: in the callback that brings its head.

Theory of operation: most requests of a warm cache are alike and need nothing that must be waited for. Such a one costs
no task, no future and no turn of the loop. Whatever is unusual (a Range, a condition, a grant that is not good, a blob
that is not verified) is left untouched to the ordinary path, which comes to its own conclusions; so nothing is decided
here but "plain, allowed and at hand". How the answer goes out, all at once or at the client's pace, is begun.py's.

Rule for editors: heads are read by the one parser; only its results are remembered, for the exact bytes. Who may read
is asked on every request. Nothing is sent before everything is at hand.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ..delivery.deliveries import Deliveries
from ..delivery.delivery import StoredDelivery
from ..values.blob_address import BlobAddress
from ..values.clock import Clock
from .addresses import parse_registry_path
from .answers import Headers, first_lines
from .blob_headers import rest_of_hit
from .conditions import CONDITIONAL_HEADERS
from .doors import Door
from .parcel import Parcel
from .request_head import HeadRefused, Request, parse_request_head
from .small_blobs import SMALL_BYTES, SmallBlob, SmallBlobs

_END = b"\r\n\r\n"
_REMEMBERED_HEADS = 1024
_REMEMBERED_HEAD_BYTES = 4096  # with their parts, some 8 MiB at the very most


class Plain(NamedTuple):
    """A plain GET of `address`."""

    request: Request
    address: BlobAddress


class _NotToRemember(Exception):
    def __init__(self, plain: Plain | None) -> None:
        self.plain = plain


def read_plain(data: bytes, prefix: str) -> Plain | None:
    """`data` as exactly one plain GET of a blob, on a connection that stays open; None for anything else."""
    try:
        return _remembered(data, prefix)
    except _NotToRemember as found:
        return found.plain


@lru_cache(maxsize=_REMEMBERED_HEADS)
def _remembered(data: bytes, prefix: str) -> Plain:
    plain = _read_plain(data, prefix) if len(data) <= _REMEMBERED_HEAD_BYTES else None
    if plain is None or "authorization" in plain.request.headers:  # somebody's own credentials are kept nowhere
        raise _NotToRemember(plain)
    return plain


def _read_plain(data: bytes, prefix: str) -> Plain | None:
    if data.find(_END) != len(data) - len(_END):
        return None
    try:
        request = parse_request_head(data[: -len(_END)])
    except HeadRefused:
        return None
    if request.method != "GET" or request.has_body or not request.keep_alive or not request.path.startswith(prefix):
        return None
    address = parse_registry_path(request.path[len(prefix) :])
    if not isinstance(address, BlobAddress) or not CONDITIONAL_HEADERS.isdisjoint(request.headers):
        return None
    return Plain(request, address)


class Hit:
    """What answers a plain GET: `parcel` is the whole answer, `size` its body's; `stored` is let go of at its end."""

    __slots__ = ("account", "address", "parcel", "size", "stored")

    def __init__(
        self, account: str, address: BlobAddress, parcel: Parcel, size: int, stored: StoredDelivery | None = None
    ) -> None:
        self.account, self.address = account, address
        self.parcel, self.size, self.stored = parcel, size, stored


class QuickHits:
    """`extra` are the operator's headers, on every answer."""

    def __init__(self, door: Door, deliveries: Deliveries, small: SmallBlobs, clock: Clock, extra: Headers) -> None:
        self._door = door
        self._deliveries = deliveries
        self._store = deliveries.means.store
        self._small = small
        self._clock = clock
        self._extra = extra

    def find(self, plain: Plain) -> Hit | None:
        """The whole answer, if the client may read the blob and it is at hand; the pull is then noted."""
        request, address = plain
        account = self._door.account_at_once(request, address)
        if account is None:
            return None
        now_s = self._clock.steady()
        small = self._small.kept(address.digest, now_s)
        hit = self._on_volume(account, address, now_s) if small is None else _in_memory(account, address, small)
        if hit is not None:
            self._store.note_pull(address.digest, now_s)
        return hit

    def distrust(self, address: BlobAddress) -> None:
        """Its file did not give the bytes that it should: judge it anew before it is sent again."""
        self._deliveries.distrust(address)

    def _on_volume(self, account: str, address: BlobAddress, now_s: float) -> Hit | None:
        stored = self._deliveries.stored(address)
        if stored is None:
            return None
        if stored.total <= SMALL_BYTES:
            small = self._small.read(address.digest, stored.blob, now_s)
            stored.close()
            if small is None:
                self.distrust(address)
            return None if small is None else _in_memory(account, address, small)
        head = first_lines(200) + rest_of_hit(str(address.digest), stored.total, self._extra)
        return Hit(account, address, Parcel(head, stored.fd, 0, stored.total), stored.total, stored)


def _in_memory(account: str, address: BlobAddress, small: SmallBlob) -> Hit:
    return Hit(account, address, Parcel(small.answer(first_lines(200))), small.size)
