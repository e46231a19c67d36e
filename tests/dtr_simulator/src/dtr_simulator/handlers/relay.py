"""Passing a request on to the registry behind the simulator, and its answer back.

Owns: which headers travel, and turning the registry's own addresses into DTR's.
Does not own: authorization, which happened before; the connection (content/registry_behind.py).
Rule: credentials never travel to the registry; an answer that breaks off is cut for the client too.
"""

from __future__ import annotations

from collections.abc import Awaitable
from urllib.parse import urlsplit

from tornado import httputil
from tornado.http1connection import HTTP1Connection

from ..content.registry_behind import Receiver, RegistryBehind, RegistryUnavailable
from ..failures import registry_failure
from .registry import RegistryRequest

_REQUEST_HEADERS = ("Accept", "Content-Type", "Content-Length", "Content-Range", "Range", "If-Range", "If-None-Match",
                    "If-Match", "If-Modified-Since", "User-Agent")
_ANSWER_HEADERS = ("Accept-Ranges", "Allow", "Cache-Control", "Content-Length", "Content-Range", "Content-Type",
                   "Docker-Content-Digest", "Docker-Upload-Uuid", "Etag", "Last-Modified", "Link", "Location",
                   "OCI-Subject", "Range")


class _Passing(Receiver):
    """Sends what arrives on to the client, chunk by chunk; a client that left ends the exchange."""

    def __init__(self, handler: RegistryRequest, registry: RegistryBehind, connection: HTTP1Connection) -> None:
        super().__init__()
        self._handler, self._registry, self._connection = handler, registry, connection
        self.client_left = False

    def headers_received(self, start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
                         headers: httputil.HTTPHeaders) -> Awaitable[None] | None:
        super().headers_received(start_line, headers)
        self._handler.set_status(self.status)
        self._handler.clear_header("Content-Type")
        for name in _ANSWER_HEADERS:
            if name in headers:
                self._handler.set_header(name, self._ours(name, headers[name]))
        return None

    def _ours(self, name: str, value: str) -> str:
        if name == "Location" and urlsplit(value).netloc in ("", urlsplit(self._registry.url).netloc):
            parts = urlsplit(value)
            return f"{self._handler.dtr.url}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return value.replace(self._registry.url, self._handler.dtr.url) if name == "Link" else value

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._pass_on(chunk)

    async def _pass_on(self, chunk: bytes) -> None:
        if not self.client_left and not await self._handler.stream(chunk):
            self.client_left = True
            self._connection.close()


def registry_of(handler: RegistryRequest) -> RegistryBehind:
    """The registry behind. Raise NAME_UNKNOWN where there is none."""
    if handler.dtr.registry is None:
        raise registry_failure("NAME_UNKNOWN")
    return handler.dtr.registry


async def open_relay(handler: RegistryRequest, target: str) -> HTTP1Connection:
    """Send the head of the handler's request on to `target` (path and query)."""
    headers = httputil.HTTPHeaders()
    for name in _REQUEST_HEADERS:
        if name in handler.request.headers:
            headers[name] = handler.request.headers[name]
    chunked = "Transfer-Encoding" in handler.request.headers
    if handler.request.method in ("POST", "PUT", "PATCH") and "Content-Length" not in headers and not chunked:
        headers["Content-Length"] = "0"
    return await registry_of(handler).open(handler.request.method or "GET", target, headers)


async def end_relay(handler: RegistryRequest, connection: HTTP1Connection) -> None:
    """Read the registry's answer and pass it on to the client."""
    registry = registry_of(handler)
    passing = _Passing(handler, registry, connection)
    try:
        await registry.receive(connection, passing)
    except RegistryUnavailable as broken:
        if not passing.status:
            raise
        if not passing.client_left:
            handler.dtr.log.say(f"content: {broken}")
        handler.cut()
        return
    handler.finish()


async def relay(handler: RegistryRequest, path: str, body: bytes = b"") -> None:
    """The whole exchange, with the handler's query and a small body."""
    query = f"?{handler.request.query}" if handler.request.query else ""
    connection = await open_relay(handler, path + query)
    if body:
        await connection.write(body)
    await end_relay(handler, connection)
