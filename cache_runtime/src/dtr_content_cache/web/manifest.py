"""Mode `upstream`: GET and HEAD of a manifest.

It is asked by HEAD first, so that a tag that moved is seen at once; its bytes come from the volume if they are there by
their digest, and are fetched, verified and stored like a blob if not. Rule for editors: what was asked by its digest is
never answered with bytes that do not hash to it.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

from ..admission.last_answers import LastAnswer
from ..delivery.deliveries import Deliveries
from ..delivery.delivery import Delivery, FilePart
from ..observation.cache_status import cache_status
from ..upstream.response_head import ResponseHead
from ..values.blob_address import BlobAddress
from ..values.byte_range import ByteRange
from ..values.clock import Clock
from ..values.digest import Digest
from ..values.failures import BlobUnknown, WrongBytes
from .answers import API_VERSION, Answer, Headers, error, head_bytes
from .connection import Connection
from .offline import REVALIDATION_FAILED, STALE
from .outside import Outside
from .parcel import FileFailed
from .request_head import Request
from .served import Served
from .upstream_answers import UpstreamAnswers, passed_back
from .upstream_door import Asked, UpstreamDoor

_ATTEMPTS = 4  # to deliver a manifest of which the client has not seen a byte, where the bytes turn out wrong
_DIGEST_FIELD = "docker-content-digest"


class ManifestHandler:
    def __init__(self, door: UpstreamDoor, answers: UpstreamAnswers, deliveries: Deliveries, clock: Clock) -> None:
        self._door = door
        self._answers = answers
        self._deliveries = deliveries
        self._clock = clock

    async def answer(
        self, reference: str, asked: Asked, request: Request, connection: Connection, served: Served
    ) -> Answer | None:
        """None where it has been sent already."""
        try:
            said = await self._door.decide(asked)
        except BlobUnknown:
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown", {"reference": reference})
        digest = _parsed(reference) or _parsed(_named(said))
        if isinstance(said, LastAnswer):
            served.stale = True
        elif request.bodiless_answer:
            answer = Answer(200, headers=passed_back(said))
            answer.length = said.length  # of a body that was not asked for: clients size a manifest by it
            return answer
        if digest is None:
            # By a tag, and nobody says of what digest: there is nothing to hold it to.
            return await self._answers.fetch("GET", asked, Outside())
        address = BlobAddress(asked.question.repository, digest)
        fields = self._fields(said, address, stale_tag=_parsed(reference) is None)
        if request.bodiless_answer:
            return await self._stale_head(address, asked, fields)
        await self._deliver(address, asked, fields, connection, served)
        return None

    async def _stale_head(self, address: BlobAddress, asked: Asked, fields: Headers) -> Answer:
        total, _ = await self._deliveries.length(address, asked.passage)
        answer = Answer(200, headers=fields)
        answer.length = total
        return answer

    async def _deliver(
        self, address: BlobAddress, asked: Asked, fields: Headers, connection: Connection, served: Served
    ) -> None:
        query = asked.question.query
        target = f"/v2/{address.repository}/manifests/{address.digest}" + (f"?{query}" if query else "")
        by_digest = replace(asked.passage, target=target)
        for attempts_left in reversed(range(_ATTEMPTS)):
            delivery = await self._deliveries.deliver(address, by_digest)
            try:
                await self._send(delivery, address, fields, connection, served)
                return
            except WrongBytes:
                if served.status or not attempts_left:
                    raise  # the client has seen some of it
            except FileFailed:
                connection.cut()
                self._deliveries.distrust(address)
                return
            finally:
                delivery.close()

    async def _send(
        self, delivery: Delivery, address: BlobAddress, fields: Headers, connection: Connection, served: Served
    ) -> None:
        served.cache, served.upstream = delivery.cache, delivery.upstream
        if delivery.cache == "hit":
            self._deliveries.means.store.note_pull(address.digest, self._clock.steady())
        status = cache_status(delivery.cache, detail="offline" if served.stale else "")  # type: ignore[arg-type]
        headers = (*fields, ("Cache-Status", status))
        start = head_bytes(200, headers, delivery.total, close=not connection.keep_alive)
        async with aclosing(delivery.pieces(ByteRange(0, delivery.total))) as parts:
            async for part in parts:
                served.status = 200
                if isinstance(part, FilePart):
                    await connection.stream.send_file(start, part.fd, part.offset, part.length, part.judged, late=True)
                    served.body_bytes += part.length
                else:
                    await connection.stream.write(start + part)
                    served.body_bytes += len(part)
                start = b""
        served.complete = True

    def _fields(self, said: ResponseHead | LastAnswer, address: BlobAddress, *, stale_tag: bool) -> Headers:
        known = ("Docker-Content-Digest", str(address.digest))
        if isinstance(said, LastAnswer):
            warning = ("Warning", STALE if stale_tag else REVALIDATION_FAILED)
            kind = (("Content-Type", said.content_type),) if said.content_type else ()
            return (API_VERSION, *kind, known, warning)
        return (*(field for field in passed_back(said) if field[0].lower() != _DIGEST_FIELD), known)


def _named(said: ResponseHead | LastAnswer) -> str:
    """The digest that the upstream names, or named."""
    return said.digest if isinstance(said, LastAnswer) else said.get(_DIGEST_FIELD) or ""


def _parsed(digest: str) -> Digest | None:
    try:
        return Digest.parse(digest)
    except ValueError:
        return None
