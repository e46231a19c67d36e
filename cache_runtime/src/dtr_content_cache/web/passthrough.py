"""Mode `upstream`: below `/v2/`, all that is no blob is the upstream's answer to the client's own credentials.

A manifest is asked by HEAD first, so that a tag that moved is seen at once; its bytes come from the volume if they
are there by their digest, and are fetched, verified and stored like a blob if not.
"""

from __future__ import annotations

import asyncio
import re

from ..delivery.deliveries import Deliveries
from ..delivery.delivery import FilePart
from ..delivery.means import Passage
from ..observation.cache_status import cache_status
from ..settings.model import Upstream
from ..upstream.exchange import Ask
from ..upstream.response_head import HopFailed, ResponseHead
from ..values.blob_address import BlobAddress
from ..values.byte_range import ByteRange
from ..values.clock import Clock
from ..values.digest import Digest
from ..values.failures import Failure
from .answers import API_VERSION, Answer, failure_answer, head_bytes
from .connection import Connection
from .doors import UpstreamDoor
from .request_head import Request
from .served import Served

BODY_LIMIT_BYTES = 8 << 20
_MANIFEST = re.compile(r"/v2/(.{1,255})/manifests/[^/]+")
_ASKED_ALONG = ("accept", "authorization", "if-none-match")
_PASSED_BACK = (
    "content-type",
    "docker-content-digest",
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
        try:
            manifest = _MANIFEST.fullmatch(request.path)
            if manifest and request.method == "GET" and "if-none-match" not in request.headers:
                await self._manifest(manifest[1], target, headers, connection, served)
                return
            answer = await self._whole(Ask(request.method, target, headers=headers))
        except Failure as failure:
            if served.status:
                connection.cut()
                return
            answer = failure_answer(failure, "")
        served.status = answer.status
        await connection.write(answer, bodiless=request.bodiless_answer)
        served.body_bytes, served.complete = connection.written_bytes, True

    async def _manifest(
        self,
        repository: str,
        target: str,
        headers: tuple[tuple[str, str], ...],
        connection: Connection,
        served: Served,
    ) -> None:
        head = await self._door.ask(Ask("HEAD", target, headers=headers))
        try:
            digest = Digest.parse(head.get("docker-content-digest") or "")
        except ValueError:
            answer = await self._whole(Ask("GET", target, headers=headers))
            served.status = answer.status
            await connection.write(answer)
            served.complete = True
            return
        by_digest = f"/v2/{repository}/manifests/{digest}"
        query = target.partition("?")[2]
        passage = Passage(by_digest + (f"?{query}" if query else ""), self._clock.wall() + 60, headers)
        delivery = await self._deliveries.deliver(BlobAddress(repository, digest), passage)
        try:
            served.cache, served.upstream = delivery.cache, delivery.upstream
            if delivery.cache == "hit":
                self._deliveries.means.store.note_pull(digest, self._clock.steady())
            fields = (*_passed_back(head), ("Cache-Status", cache_status(delivery.cache)))  # type: ignore[arg-type]
            start = head_bytes(200, fields, delivery.total, close=not connection.keep_alive)
            async for part in delivery.pieces(ByteRange(0, delivery.total)):
                served.status = 200
                if isinstance(part, FilePart):
                    await connection.stream.send_file(start, part.fd, part.offset, part.length)
                    served.body_bytes += part.length
                else:
                    await connection.stream.write(start + part)
                    served.body_bytes += len(part)
                start = b""
            served.complete = True
        finally:
            delivery.close()

    async def _whole(self, ask: Ask) -> Answer:
        """The upstream's answer, whatever it says, as long as it is one to pass on."""
        answers: list[Answer] = []

        def once(hop: Upstream) -> None:
            exchange = self._deliveries.means.exchanges.open(hop, ask)
            try:
                head = exchange.head
                if head.status == 401:
                    self._door.want_credentials(hop, head)
                if head.status not in _PASSED_STATUSES:
                    raise HopFailed(f"status {head.status}", head.retry_after_s())
                body, buffer = bytearray(), memoryview(bytearray(64 * 1024))
                while count := exchange.read_into(buffer):
                    body += buffer[:count]
                    if len(body) > BODY_LIMIT_BYTES:
                        raise HopFailed(f"an answer of more than {BODY_LIMIT_BYTES >> 20} MiB")
                answers.append(Answer(head.status, bytes(body), headers=_passed_back(head)))
            finally:
                exchange.close()

        loop = asyncio.get_running_loop()
        means = self._deliveries.means
        await means.attempts.until_answered(lambda hop: loop.run_in_executor(means.threads, once, hop))
        return answers[-1]


def _passed_back(head: ResponseHead) -> tuple[tuple[str, str], ...]:
    fields = tuple((name.title(), value) for name, value in head.headers if name in _PASSED_BACK)
    named = {name.lower() for name, _ in fields}
    return fields if API_VERSION[0].lower() in named else (API_VERSION, *fields)
