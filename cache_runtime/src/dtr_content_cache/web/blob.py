"""GET and HEAD of a blob: admission, conditions, ranges, then the bytes by the cheapest way there is.

The head is sent together with the first bytes, never before they are there: until then a failure is still an answer
of its own. After that a failure can only be a connection that breaks, which is what clients resume from.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ..delivery.deliveries import Deliveries
from ..delivery.delivery import Delivery, FilePart, StoredDelivery
from ..delivery.means import Passage
from ..observation.cache_status import cache_status
from ..values.blob_address import BlobAddress
from ..values.byte_range import ByteRange, RangeNotSatisfiable, parse_ranges, resolve_ranges
from ..values.clock import Clock
from ..values.failures import Failure, GrantRefused, WrongBytes
from .answers import API_VERSION, Answer, error, failure_answer, head_bytes
from .client_stream import FileFailed
from .connection import Connection
from .doors import Door
from .request_head import Request
from .served import Served

_ATTEMPTS = 4  # to deliver a blob of which the client has not seen a byte, where the bytes turn out wrong


class BlobHandler:
    def __init__(
        self,
        door: Door,
        deliveries: Deliveries,
        clock: Clock,
        extra_headers: Callable[[], tuple[tuple[str, str], ...]],
    ) -> None:
        self._door = door
        self._deliveries = deliveries
        self._clock = clock
        self._extra_headers = extra_headers

    async def answer(self, request: Request, address: BlobAddress, connection: Connection, served: Served) -> None:
        digest = str(address.digest)
        delivery: Delivery | None = None
        try:
            admitted = await self._door.admit(request, address)
            served.account, passage = admitted.account, admitted.passage
            if _none_match(request.headers.get("if-none-match"), digest):
                await self._simple(Answer(304, headers=_blob_headers(digest)), request, connection, served)
                return
            if not _match(request.headers.get("if-match"), digest):
                await self._simple(error(412, "UNSUPPORTED", "precondition failed"), request, connection, served)
                return
            if request.bodiless_answer:
                await self._head(request, address, passage, connection, served)
                return
            for attempts_left in reversed(range(_ATTEMPTS)):
                delivery = self._deliveries.stored(address) or await self._deliveries.deliver(address, passage)
                try:
                    await self._get(request, address, delivery, connection, served)
                    return
                except WrongBytes:
                    if served.status or not attempts_left:
                        raise  # the client has seen some of it
                delivery.close()
                delivery = None
        except Failure as failure:
            if isinstance(failure, GrantRefused):
                served.refused = failure.reason
            if served.status:
                connection.cut()  # the head is out: only a broken connection tells the truth now
            else:
                await self._simple(failure_answer(failure, digest), request, connection, served)
        finally:
            if delivery is not None:
                delivery.close()

    async def _simple(self, answer: Answer, request: Request, connection: Connection, served: Served) -> None:
        served.status = answer.status
        await connection.write(answer, bodiless=request.bodiless_answer)
        served.body_bytes, served.complete = connection.written_bytes, True

    async def _head(
        self, request: Request, address: BlobAddress, passage: Passage, connection: Connection, served: Served
    ) -> None:
        total, served.cache = await self._deliveries.length(address, passage)
        ranges, partial = _wanted(request, str(address.digest), total)
        if not ranges:
            await self._simple(_unsatisfiable(str(address.digest), total), request, connection, served)
            return
        headers, status, length = _shape(ranges, partial, total, str(address.digest), "")
        kind = "hit" if served.cache == "hit" else "bypass"
        headers = (*headers, ("Cache-Status", cache_status(kind)))  # type: ignore[arg-type]
        served.status = status
        await connection.stream.write(self._head_bytes(status, headers, length, connection))
        served.complete = True

    async def _get(
        self, request: Request, address: BlobAddress, delivery: Delivery, connection: Connection, served: Served
    ) -> None:
        digest, total = str(address.digest), delivery.total
        served.cache, served.upstream = delivery.cache, delivery.upstream
        ranges, partial = _wanted(request, digest, total)
        if not ranges:
            await self._simple(_unsatisfiable(digest, total), request, connection, served)
            return
        if delivery.cache == "hit":
            self._deliveries.means.store.note_pull(address.digest, self._clock.steady())
        boundary = secrets.token_hex(12) if len(ranges) > 1 else ""
        headers, status, length = _shape(ranges, partial, total, digest, boundary)
        headers = (*headers, ("Cache-Status", cache_status(delivery.cache)))  # type: ignore[arg-type]
        head = self._head_bytes(status, headers, length, connection)
        try:
            if isinstance(delivery, StoredDelivery) and not boundary:
                piece = ranges[0]
                served.status = status
                await connection.stream.send_file(head, delivery.fd, piece.start, piece.length)
            else:
                parts = _multipart(delivery, ranges, total, boundary) if boundary else delivery.pieces(ranges[0])
                await self._send_parts(head, status, length, parts, connection, served)
        except FileFailed:
            connection.cut()
            self._deliveries.distrust(address)
            return
        served.body_bytes, served.complete = length, True

    async def _send_parts(
        self,
        head: bytes,
        status: int,
        length: int,
        parts: AsyncGenerator[FilePart | bytes],
        connection: Connection,
        served: Served,
    ) -> None:
        async with aclosing(parts):
            async for part in parts:
                served.status = status
                if isinstance(part, FilePart):
                    await connection.stream.send_file(head, part.fd, part.offset, part.length)
                    served.body_bytes += part.length
                else:
                    await connection.stream.write(head + part if head else part)
                    served.body_bytes += len(part)
                head = b""
        if head:  # an empty blob
            served.status = status
            await connection.stream.write(head)

    def _head_bytes(
        self, status: int, headers: tuple[tuple[str, str], ...], length: int, connection: Connection
    ) -> bytes:
        return head_bytes(status, (*headers, *self._extra_headers()), length, close=not connection.keep_alive)


def _wanted(request: Request, digest: str, total: int) -> tuple[list[ByteRange], bool]:
    """(the pieces to send, whether they were asked as ranges); no piece where no asked byte exists.

    The whole blob without a usable Range; an empty one has no part that could be asked.
    """
    pairs = parse_ranges(request.headers.get("range"))
    if_range = request.headers.get("if-range")
    if pairs is None or total == 0 or (if_range is not None and if_range != f'"{digest}"'):
        return [ByteRange(0, total)], False
    try:
        return resolve_ranges(pairs, total), True
    except RangeNotSatisfiable:
        return [], True


def _blob_headers(digest: str) -> tuple[tuple[str, str], ...]:
    return (
        API_VERSION,
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", "max-age=31536000"),
        ("Docker-Content-Digest", digest),
        ("ETag", f'"{digest}"'),
        ("X-Content-Type-Options", "nosniff"),
    )


def _shape(
    ranges: list[ByteRange], partial: bool, total: int, digest: str, boundary: str
) -> tuple[tuple[tuple[str, str], ...], int, int]:
    """(headers, status, body length)."""
    headers = _blob_headers(digest)
    if len(ranges) == 1:
        piece = ranges[0]
        headers = (*headers, ("Content-Type", "application/octet-stream"))
        if not partial:
            return headers, 200, total
        return (*headers, ("Content-Range", piece.content_range(total))), 206, piece.length
    boundary = boundary or "0" * 24  # a HEAD tells the length that the GET will have
    length = sum(len(_part_head(piece, total, boundary)) + piece.length for piece in ranges)
    length += len(_closing(boundary))
    return (*headers, ("Content-Type", f"multipart/byteranges; boundary={boundary}")), 206, length


def _part_head(piece: ByteRange, total: int, boundary: str) -> bytes:
    return (
        f"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Range: {piece.content_range(total)}\r\n\r\n"
    ).encode()


def _closing(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode()


async def _multipart(
    delivery: Delivery, ranges: list[ByteRange], total: int, boundary: str
) -> AsyncGenerator[FilePart | bytes]:
    for piece in ranges:
        before = _part_head(piece, total, boundary)
        async with aclosing(delivery.pieces(piece)) as parts:
            async for part in parts:
                if before:
                    yield before
                    before = b""
                yield part
    yield _closing(boundary)


def _unsatisfiable(digest: str, total: int) -> Answer:
    answer = error(416, "RANGE_INVALID", "invalid range: failed to overlap", digest)
    answer.headers = (*answer.headers, ("Content-Range", f"bytes */{total}"), ("Accept-Ranges", "bytes"))
    return answer


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


def _none_match(header: str | None, digest: str) -> bool:
    """Does If-None-Match name this blob? Then the client has it: 304."""
    return header is not None and (header.strip() == "*" or f'"{digest}"' in _tags(header))


def _match(header: str | None, digest: str) -> bool:
    return header is None or header.strip() == "*" or f'"{digest}"' in [tag.strip() for tag in header.split(",")]
