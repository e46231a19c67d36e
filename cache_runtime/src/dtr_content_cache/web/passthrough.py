"""Mode `upstream`: below `/v2/`, all that is no blob is the upstream's answer to the client's own credentials.

A manifest is asked by HEAD first, so that a tag that moved is seen at once; its bytes come from the volume if they
are there by their digest, and are fetched, verified and stored like a blob if not. Rule for editors: what was asked by
its digest is never answered with bytes that do not hash to it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import aclosing

from ..delivery.attempts import refuse_failure
from ..delivery.deliveries import Deliveries
from ..delivery.delivery import Delivery, FilePart
from ..delivery.means import Passage
from ..observation.cache_status import cache_status
from ..settings.model import Upstream
from ..upstream.exchange import Ask
from ..upstream.response_head import HopFailed, ResponseHead
from ..values.blob_address import BlobAddress
from ..values.byte_range import ByteRange
from ..values.clock import Clock
from ..values.digest import Digest
from ..values.failures import Failure, WrongBytes
from .answers import API_VERSION, Answer, failure_answer, head_bytes
from .connection import Connection
from .doors import UpstreamDoor
from .parcel import FileFailed
from .request_head import Request
from .served import Served

BODY_LIMIT_BYTES = 8 << 20
_ATTEMPTS = 4  # to deliver a manifest of which the client has not seen a byte, where the bytes turn out wrong
_MANIFEST = re.compile(r"/v2/(.{1,255})/manifests/([^/]+)")
_DIGEST_FIELD = "docker-content-digest"
_ASKED_ALONG = ("accept", "authorization", "if-none-match")
_PASSED_BACK = (
    "content-type",
    _DIGEST_FIELD,
    "docker-distribution-api-version",
    "etag",
    "link",
    "oci-filters-applied",
    "ratelimit-limit",
    "ratelimit-remaining",
    "retry-after",
    "warning",
)
_PASSED_STATUSES = (200, 206, 304, 400, 403, 404, 405, 406, 410, 416, 429)


class Passthrough:
    def __init__(self, door: UpstreamDoor, deliveries: Deliveries, clock: Clock) -> None:
        self._door = door
        self._deliveries = deliveries
        self._clock = clock

    async def answer(self, request: Request, connection: Connection, served: Served) -> None:
        headers = tuple((name, request.headers[name]) for name in _ASKED_ALONG if name in request.headers)
        target = request.path + (f"?{request.query}" if request.query else "")
        passage = served.along(self._door.passage(request, target, headers))
        try:
            manifest = _MANIFEST.fullmatch(request.path)
            if manifest and request.method == "GET" and "if-none-match" not in request.headers:
                answer = await self._manifest(manifest[1], manifest[2], passage, connection, served)
            else:
                answer = await self._whole(request.method, passage)
        except Failure as failure:
            if served.status:
                connection.cut()
                return
            answer = failure_answer(failure, "")
        if answer is not None:
            served.status = answer.status
            await connection.write(answer, bodiless=request.bodiless_answer)
            served.body_bytes, served.complete = connection.written_bytes, True

    async def _manifest(
        self, repository: str, reference: str, passage: Passage, connection: Connection, served: Served
    ) -> Answer | None:
        """None where it has been sent already."""
        head = await self._door.ask(passage)
        digest = _parsed(reference) or _parsed(head.get(_DIGEST_FIELD) or "")
        if digest is None:
            return await self._whole("GET", passage)  # by a tag, and nobody says of what digest: nothing to hold it to
        address, query = BlobAddress(repository, digest), passage.target.partition("?")[2]
        target = f"/v2/{repository}/manifests/{digest}" + (f"?{query}" if query else "")
        by_digest = Passage(target, passage.expires_s, passage.headers, passage.circle)
        for attempts_left in reversed(range(_ATTEMPTS)):
            delivery = await self._deliveries.deliver(address, by_digest)
            try:
                await self._send(delivery, address, head, connection, served)
                break
            except WrongBytes:
                if served.status or not attempts_left:
                    raise  # the client has seen some of it
            except FileFailed:
                connection.cut()
                self._deliveries.distrust(address)
                break
            finally:
                delivery.close()
        return None

    async def _send(
        self, delivery: Delivery, address: BlobAddress, head: ResponseHead, connection: Connection, served: Served
    ) -> None:
        served.cache, served.upstream = delivery.cache, delivery.upstream
        if delivery.cache == "hit":
            self._deliveries.means.store.note_pull(address.digest, self._clock.steady())
        fields = tuple((name, value) for name, value in _passed_back(head) if name.lower() != _DIGEST_FIELD)
        known = ("Docker-Content-Digest", str(address.digest)), ("Cache-Status", cache_status(delivery.cache))  # type: ignore[arg-type]
        start = head_bytes(200, (*fields, *known), delivery.total, close=not connection.keep_alive)
        async with aclosing(delivery.pieces(ByteRange(0, delivery.total))) as parts:
            async for part in parts:
                served.status = 200
                if isinstance(part, FilePart):
                    await connection.stream.send_file(start, part.fd, part.offset, part.length)
                    served.body_bytes += part.length
                else:
                    await connection.stream.write(start + part)
                    served.body_bytes += len(part)
                start = b""
        served.complete = True

    async def _whole(self, method: str, passage: Passage) -> Answer:
        """The upstream's answer, whatever it says, as long as it is one to pass on."""
        means, answers = self._deliveries.means, list[Answer]()
        means.refuse_circle(passage)
        ask = Ask(method, passage.target, headers=passage.headers)

        def once(hop: Upstream) -> None:
            exchange = means.exchanges.open(hop, ask)
            try:
                answers.append(self._read(hop, exchange.head, exchange.read_into, bodiless=method == "HEAD"))
            finally:
                exchange.close()

        loop = asyncio.get_running_loop()
        await means.attempts.until_answered(lambda hop: loop.run_in_executor(means.threads, once, hop))
        return answers[-1]

    def _read(
        self, hop: Upstream, head: ResponseHead, read_into: Callable[[memoryview], int], *, bodiless: bool
    ) -> Answer:
        if head.status == 401:
            self._door.want_credentials(hop, head)
        if head.status not in _PASSED_STATUSES:
            refuse_failure(head)
        body, buffer = bytearray(), memoryview(bytearray(64 * 1024))
        while count := read_into(buffer):
            body += buffer[:count]
            if len(body) > BODY_LIMIT_BYTES:
                raise HopFailed(f"an answer of more than {BODY_LIMIT_BYTES >> 20} MiB")
        answer = Answer(head.status, bytes(body), headers=_passed_back(head))
        if bodiless:
            answer.length = head.length  # of a body that was not asked for: clients size a manifest by it
        return answer


def _parsed(digest: str) -> Digest | None:
    try:
        return Digest.parse(digest)
    except ValueError:
        return None


def _passed_back(head: ResponseHead) -> tuple[tuple[str, str], ...]:
    fields = tuple((name.title(), value) for name, value in head.headers if name in _PASSED_BACK)
    named = {name.lower() for name, _ in fields}
    return fields if API_VERSION[0].lower() in named else (API_VERSION, *fields)
