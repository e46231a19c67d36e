"""The plain GET of a blob that lies on the volume, answered in one go: in the callback that brings its head.

Theory of operation: most requests of a warm cache are alike and need nothing that must be waited for. Such a one costs
no task, no future and no turn of the loop. One range of a large blob is as plain: clients that fetch a layer in parts
ask for many. Whatever is unusual (several ranges, a condition, a grant that is not good, a blob that is not verified)
is left untouched to the ordinary path, which comes to its own conclusions; so nothing is decided here but "plain,
allowed and at hand". How the answer goes out, all at once or at the client's pace, is begun.py's.

Rule for editors: heads are read by the one parser; only its results are remembered, for the exact bytes. Who may read
is asked on every request. Nothing is sent before everything is at hand.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from ..delivery.deliveries import Deliveries
from ..delivery.delivery import StoredDelivery
from ..values.blob_address import BlobAddress
from ..values.byte_range import AskedRange, RangeNotSatisfiable, parse_ranges, resolve_ranges
from ..values.clock import Clock
from .addresses import parse_registry_path
from .answers import Headers, first_lines
from .blob_headers import rest_of_hit, rest_of_part
from .conditions import CONDITIONAL_HEADERS
from .doors import Door
from .parcel import Parcel
from .request_head import HeadRefused, Request, parse_request_head
from .small_blobs import SMALL_BYTES, SmallBlob, SmallBlobs

_END = b"\r\n\r\n"
# A Range line as clients write it is taken out before the rest is read: what is remembered then serves all parts.
_RANGE = b"\r\nRange: "
_ONE_PART = re.compile(rb"bytes=[0-9]*-[0-9]*")
_LINES = 64  # fewer than the parser allows, so that a line more changes nothing
_REMEMBERED_HEADS = 1024
_REMEMBERED_HEAD_BYTES = 4096  # with their parts, some 8 MiB at the very most


class Plain(NamedTuple):
    """A plain GET of `address`. `part`: the one range that is asked for, its line not in `request`; None: the whole."""

    request: Request
    address: BlobAddress
    part: AskedRange | None = None


class _NotToRemember(Exception):
    def __init__(self, plain: Plain | None) -> None:
        self.plain = plain


def read_plain(data: bytes, prefix: str) -> Plain | None:
    """`data` as exactly one plain GET of a blob, on a connection that stays open; None for anything else."""
    at = data.find(_RANGE)
    if at < 0:
        return _read_whole(data, prefix)
    if data.find(_END) != len(data) - len(_END):
        return None  # asked of the bytes as they came: without that line the ends of two heads could look like one
    end = data.find(b"\r\n", at + len(_RANGE))
    value = data[at + len(_RANGE) : end]
    plain = _read_whole(data[:at] + data[end:], prefix) if _ONE_PART.fullmatch(value) else None
    parts = parse_ranges(value.decode()) if plain is not None else None
    return plain._replace(part=parts[0]) if plain is not None and parts is not None else None


def _read_whole(data: bytes, prefix: str) -> Plain | None:
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
    if data.find(_END) != len(data) - len(_END) or data.count(b"\r\n") > _LINES:
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

    __slots__ = ("account", "address", "parcel", "size", "status", "stored")

    def __init__(
        self,
        account: str,
        address: BlobAddress,
        parcel: Parcel,
        size: int,
        stored: StoredDelivery | None = None,
        status: int = 200,
    ) -> None:
        self.account, self.address, self.status = account, address, status
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
        request, address, part = plain
        account = self._door.account_at_once(request, address)
        if account is None:
            return None
        now_s = self._clock.steady()
        small = self._small.kept(address.digest, now_s)
        if small is None:
            hit = self._on_volume(account, address, part, now_s)
        else:
            hit = _in_memory(account, address, small) if part is None else None
        if hit is not None:
            self._store.note_pull(address.digest, now_s)
        return hit

    def distrust(self, address: BlobAddress) -> None:
        """Its file did not give the bytes that it should: judge it anew before it is sent again."""
        self._deliveries.distrust(address)

    def _on_volume(self, account: str, address: BlobAddress, part: AskedRange | None, now_s: float) -> Hit | None:
        stored = self._deliveries.stored(address)
        if stored is None:
            return None
        if stored.total > SMALL_BYTES:
            return self._from_file(account, address, stored, part)
        small = self._small.read(address.digest, stored.blob, now_s)
        stored.close()
        if small is None:
            self.distrust(address)
        return None if small is None or part is not None else _in_memory(account, address, small)

    def _from_file(
        self, account: str, address: BlobAddress, stored: StoredDelivery, part: AskedRange | None
    ) -> Hit | None:
        digest, total = str(address.digest), stored.total
        if part is None:
            head = first_lines(200) + rest_of_hit(digest, total, self._extra)
            return Hit(account, address, Parcel(head, stored.fd, 0, total, stored.blob.identity), total, stored)
        try:
            piece = resolve_ranges((part,), total)[0]
        except RangeNotSatisfiable:
            stored.close()
            return None
        head = first_lines(206) + rest_of_part(digest, piece, total, self._extra)
        parcel = Parcel(head, stored.fd, piece.start, piece.length, stored.blob.identity)
        return Hit(account, address, parcel, piece.length, stored, status=206)


def _in_memory(account: str, address: BlobAddress, small: SmallBlob) -> Hit:
    return Hit(account, address, Parcel(small.answer(first_lines(200))), small.size)
