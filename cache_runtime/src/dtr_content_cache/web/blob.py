"""GET and HEAD of a blob: admission, conditions, ranges, then the bytes by the cheapest way there is.

The head is sent together with the first bytes, never before they are there: until then a failure is still an answer
of its own. After that a failure can only be a connection that breaks, which is what clients resume from.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..delivery.deliveries import Deliveries
from ..delivery.delivery import Delivery, FilePart, StoredDelivery
from ..delivery.means import Passage
from ..observation.cache_status import cache_status
from ..values.blob_address import BlobAddress
from ..values.clock import Clock
from ..values.failures import Failure, GrantRefused, WrongBytes
from . import multipart
from .answers import Answer, Headers, error, failure_answer, head_bytes
from .blob_headers import blob_headers, shape, unsatisfiable
from .conditions import client_has_it, precondition_fails, wanted_pieces
from .connection import Connection
from .doors import Door
from .offline import REVALIDATION_FAILED
from .parcel import FileFailed
from .request_head import Request
from .served import Served

_ATTEMPTS = 4  # to deliver a blob of which the client has not seen a byte, where the bytes turn out wrong


class BlobHandler:
    def __init__(
        self,
        door: Door,
        deliveries: Deliveries,
        clock: Clock,
        extra: Headers,
    ) -> None:
        self._door = door
        self._deliveries = deliveries
        self._clock = clock
        self._extra = extra

    async def answer(self, request: Request, address: BlobAddress, connection: Connection, served: Served) -> None:
        digest = str(address.digest)
        delivery: Delivery | None = None
        try:
            admitted = await self._door.admit(request, address)
            served.account, passage = admitted.account, served.along(admitted.passage)
            served.stale = admitted.stale
            if precondition_fails(request, digest):  # first, as RFC 9110 §13.2.2 has it
                await self._simple(error(412, "UNSUPPORTED", "precondition failed"), request, connection, served)
                return
            if client_has_it(request, digest):
                await self._simple(Answer(304, headers=blob_headers(digest)), request, connection, served)
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
        ranges, partial = wanted_pieces(request, str(address.digest), total)
        if not ranges:
            await self._simple(unsatisfiable(str(address.digest), total), request, connection, served)
            return
        headers, status, length = shape(ranges, partial, total, str(address.digest), "")
        kind = "hit" if served.cache == "hit" else "bypass"
        headers = (*headers, *_how(kind, served))
        served.status = status
        await connection.stream.write(self._head_bytes(status, headers, length, connection))
        served.complete = True

    async def _get(
        self, request: Request, address: BlobAddress, delivery: Delivery, connection: Connection, served: Served
    ) -> None:
        digest, total = str(address.digest), delivery.total
        served.cache, served.upstream = delivery.cache, delivery.upstream
        ranges, partial = wanted_pieces(request, digest, total)
        if not ranges:
            await self._simple(unsatisfiable(digest, total), request, connection, served)
            return
        if delivery.cache == "hit":
            self._deliveries.means.store.note_pull(address.digest, self._clock.steady())
        boundary = multipart.new_boundary() if len(ranges) > 1 else ""
        headers, status, length = shape(ranges, partial, total, digest, boundary)
        headers = (*headers, *_how(delivery.cache, served))
        head = self._head_bytes(status, headers, length, connection)
        try:
            if isinstance(delivery, StoredDelivery) and not boundary:
                piece = ranges[0]
                served.status = status
                judged = delivery.blob.identity
                await connection.stream.send_file(head, delivery.fd, piece.start, piece.length, judged)
            else:
                parts = multipart.pieces(delivery, ranges, total, boundary) if boundary else delivery.pieces(ranges[0])
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
                    await connection.stream.send_file(head, part.fd, part.offset, part.length, part.judged, late=True)
                    served.body_bytes += part.length
                else:
                    await connection.stream.write(head + part if head else part)
                    served.body_bytes += len(part)
                head = b""
        if head:  # an empty blob
            served.status = status
            await connection.stream.write(head)

    def _head_bytes(self, status: int, headers: Headers, length: int, connection: Connection) -> bytes:
        return head_bytes(status, (*headers, *self._extra), length, close=not connection.keep_alive)


def _how(kind: str, served: Served) -> Headers:
    """Where the bytes come from, and by whose word."""
    status = ("Cache-Status", cache_status(kind, detail="offline" if served.stale else ""))  # type: ignore[arg-type]
    return (status, ("Warning", REVALIDATION_FAILED)) if served.stale else (status,)
