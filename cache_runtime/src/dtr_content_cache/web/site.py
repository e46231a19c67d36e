"""What each address answers. The order of decisions: method, path, then the blob's own handler.

The site tells every answer as an event when it is over, however it ended.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from tornado.iostream import StreamClosedError

from ..admission import DISCOVERY_PATH
from ..values.blob_address import BlobAddress
from ..values.events import AccessRefused, Emit, Fault, RequestServed
from .addresses import BadDigest, BadName, ManifestAddress, parse_registry_path
from .answers import API_VERSION, Answer, Headers, error, json_answer
from .begun import AT_ONCE, BegunAnswer, first_push
from .connection import Begun, Connection
from .parcel import Pushed
from .quick_hit import Hit, read_plain
from .registries import Picked, Registries
from .request_head import Request
from .served import Served

_READING = ("GET", "HEAD")
_ALLOW = ("Allow", "GET, HEAD")


@dataclass(frozen=True, slots=True)
class Below:
    """What a registry has to answer: a blob, or (`address` None, mode `upstream`) something to be passed on."""

    picked: Picked
    address: BlobAddress | None


class CacheSite:
    """`prefix` is http.prefix; `document` gives the discovery document to relay; `out_of_service` says whether the
    operator took this cache out of service (a health.file exists)."""

    def __init__(
        self,
        registries: Registries,
        document: Callable[[], bytes | None],
        out_of_service: Callable[[], bool],
        prefix: str,
        headers: Headers,
        emit: Emit,
    ) -> None:
        self._registries = registries
        self._document = document
        self._out_of_service = out_of_service
        self._prefix = prefix.rstrip("/")
        self._headers = headers
        self._emit = emit
        self.draining = False
        self.in_flight = {"blob": 0, "base": 0}  # by handler
        self._now_s = asyncio.get_running_loop().time
        self._ids = itertools.count(1)
        self._id_stem = secrets.token_hex(4)

    def extra_headers(self) -> Headers:
        return self._headers

    def begin(self, data: bytes, connection: Connection) -> Begun | None:
        """As connection.Site has it: only a blob that lies on the volume is ever at hand."""
        if self.draining or self._out_of_service():
            return None
        try:
            plain = read_plain(data, self._prefix)
            hit = self._registries.find(plain, self._prefix) if plain is not None else None
            if plain is None or hit is None:
                return None
            return self._send(plain.request, hit, connection)
        except Exception:
            self._emit(Fault("blob", traceback.format_exc()))
            connection.cut()
            return None

    def _send(self, request: Request, hit: Hit, connection: Connection) -> Begun:
        started_s = self._now_s()
        first = first_push(hit, connection)
        if first is Pushed.ALL:
            self._tell_at_once(request, hit, connection, started_s)
            return AT_ONCE
        served = self._served(request, "blob", connection)
        served.started_s = started_s
        begun = BegunAnswer(hit, connection, served, self._tell, self._registries.distrust)
        begun.follow(first)
        return begun

    def _tell_at_once(self, request: Request, hit: Hit, connection: Connection, started_s: float) -> None:
        """The whole answer has left: as nearly always, and then nothing of it need be kept."""
        if hit.stored is not None:
            hit.stored.close()
        seconds = connection.stream.moved_s - started_s
        self._emit(
            RequestServed(
                self._next_id(), connection.client, hit.account, request.method, request.path, hit.status, hit.size,
                seconds, "hit", "", request.headers.get("user-agent", ""), True, "blob", request.minor,
            )
        )  # fmt: skip

    async def answer(self, request: Request, connection: Connection) -> None:
        target = self._routed(request)
        handler = "blob" if isinstance(target, Below) and target.address is not None else "base"
        served = self._served(request, handler, connection)
        try:
            if isinstance(target, Below):
                await self._below(target, connection, served)
            else:
                await self._write(target, request, connection, served)
        except StreamClosedError:
            raise
        except Exception:
            self._emit(Fault(handler, traceback.format_exc()))
            await self._after_fault(request, connection, served)
        finally:
            self._tell(served)

    async def _below(self, target: Below, connection: Connection, served: Served) -> None:
        counter, request = target.picked.counter, target.picked.request
        if target.address is not None:
            await counter.blobs.answer(request, target.address, connection, served)
        elif counter.passthrough is not None:
            await counter.passthrough.answer(request, target.picked.outside, connection, served)

    async def _write(self, answer: Answer, request: Request, connection: Connection, served: Served) -> None:
        served.status = answer.status
        await connection.write(answer, bodiless=request.bodiless_answer)
        served.body_bytes, served.complete = connection.written_bytes, True

    async def _after_fault(self, request: Request, connection: Connection, served: Served) -> None:
        if served.status:
            connection.cut()
            return
        connection.keep_alive = False
        await self._write(
            error(500, "UNKNOWN", "internal error; the cache's log says more"), request, connection, served
        )

    def _served(self, request: Request, handler: str, connection: Connection) -> Served:
        self.in_flight[handler] += 1
        return Served(request, self._next_id(), connection.client, handler, self._now_s())

    def _next_id(self) -> str:
        return f"{self._id_stem}-{next(self._ids):x}"

    def _tell(self, served: Served) -> None:
        self.in_flight[served.handler] -= 1
        if served.refused:
            self._emit(AccessRefused(served.request_id, served.client, served.request.path, served.refused))
        self._emit(served.event(self._now_s()))

    def _routed(self, request: Request) -> Answer | Below:
        if request.method == "OPTIONS":
            return Answer(200, headers=(API_VERSION, _ALLOW))
        if request.method not in _READING:
            return error(405, "UNSUPPORTED", "The operation is unsupported.", headers=(_ALLOW,))
        if request.has_body:
            return error(400, "UNSUPPORTED", "a request body is not accepted here")
        if self._out_of_service():
            detail = "health check failed: please see /debug/health"
            return error(503, "UNAVAILABLE", "service unavailable", detail, (("Retry-After", "5"),))
        path = request.path
        if self._prefix:
            if not path.startswith(self._prefix + "/"):
                return _not_found() if path != "/" else _alive()
            path = path[len(self._prefix) :]
        if path == "/":
            return _alive()
        if path == "/v2":
            return Answer(301, headers=(API_VERSION, ("Location", f"{self._prefix}/v2/")))
        if path == DISCOVERY_PATH:
            return self._discovery()
        if not path.startswith("/v2/"):
            return _not_found()
        picked = self._registries.pick(replace(request, path=path), self._prefix)
        return picked if isinstance(picked, Answer) else self._routed_below(picked)

    def _routed_below(self, picked: Picked) -> Answer | Below:
        path, by_upstream = picked.request.path, picked.counter.passthrough is not None
        found = parse_registry_path(path)
        if isinstance(found, BlobAddress):
            return Below(picked, found)
        if by_upstream and (path in ("/v2/", "/v2/_catalog") or isinstance(found, ManifestAddress)):
            return Below(picked, None)
        if path == "/v2/":
            return json_answer(200, {})
        if path == "/v2/_catalog":
            return json_answer(200, {"repositories": []})
        if isinstance(found, ManifestAddress):
            message = "manifests and tags are not kept by a content cache: ask Docker Trusted Registry itself"
            return error(404, "MANIFEST_UNKNOWN", message)
        if isinstance(found, BadDigest):
            return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content", {})
        if isinstance(found, BadName):
            return error(400, "NAME_INVALID", "invalid repository name", {})
        return _not_found()

    def _discovery(self) -> Answer:
        document = self._document()
        if document is None:
            message = "no discovery document has been received from upstream yet"
            return error(503, "UNAVAILABLE", message, headers=(("Retry-After", "5"),))
        return Answer(200, document, "application/json", (("Cache-Control", "no-cache"),))


def _alive() -> Answer:
    return Answer(200, headers=(("Cache-Control", "no-cache"),))


def _not_found() -> Answer:
    return Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")
