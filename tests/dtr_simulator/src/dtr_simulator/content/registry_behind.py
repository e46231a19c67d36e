"""The real registry behind the simulator: one HTTP exchange with it, streamed both ways.

Owns: the connection, and telling `http://host:port` from what cannot be used.
Does not own: authorization, and which headers travel (handlers/relay.py).
Rule: bodies pass chunk by chunk at the slower side's pace; a connection is used once, so none is ever found stale.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable
from urllib.parse import quote, urlsplit

from tornado import httputil
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.iostream import StreamClosedError
from tornado.tcpclient import TCPClient

from ..refusals import Refused

BODY_LIMIT_BYTES = 1 << 40
CHUNK_BYTES = 256 << 10
CONNECT_TIMEOUT_S = 10


class RegistryUnavailable(Exception):
    """The registry did not answer, or broke off; the text is for the log."""


class Receiver(httputil.HTTPMessageDelegate):
    """Collects a whole response; subclasses stream instead."""

    def __init__(self) -> None:
        self.status, self.headers, self.body, self.complete = 0, httputil.HTTPHeaders(), bytearray(), False

    def headers_received(self, start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
                         headers: httputil.HTTPHeaders) -> Awaitable[None] | None:
        assert isinstance(start_line, httputil.ResponseStartLine)
        self.status, self.headers = start_line.code, headers
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self.body += chunk
        return None

    def finish(self) -> None:
        self.complete = True


class RegistryBehind:
    """The registry at `url` (`http[s]://host:port`). Raise Refused when the URL is something else."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise Refused([f"--registry {url}: wanted http://host:port or https://host:port"])
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._host, self._netloc = parts.hostname, parts.netloc
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)

    async def open(self, method: str, target: str, headers: httputil.HTTPHeaders) -> HTTP1Connection:
        """Connect and send the head of a request; `target` is path and query. Raise RegistryUnavailable."""
        try:
            stream = await asyncio.wait_for(
                TCPClient().connect(self._host, self._port, ssl_options=self._tls), CONNECT_TIMEOUT_S)
        except (OSError, TimeoutError, StreamClosedError) as error:
            raise RegistryUnavailable(f"{self.url}: {error or type(error).__name__}") from None
        stream.set_nodelay(True)
        limits = HTTP1ConnectionParameters(no_keep_alive=True, chunk_size=CHUNK_BYTES, max_body_size=BODY_LIMIT_BYTES)
        connection = HTTP1Connection(stream, is_client=True, params=limits)
        headers["Host"], headers["Connection"] = self._netloc, "close"
        connection.write_headers(httputil.RequestStartLine(method, target, ""), headers)
        return connection

    async def receive(self, connection: HTTP1Connection, receiver: Receiver) -> None:
        """End the request and read the response into `receiver`. Raise RegistryUnavailable when it is cut short."""
        try:
            connection.finish()
            await connection.read_response(receiver)
        except (StreamClosedError, OSError, httputil.HTTPInputError):
            pass  # What is missing is seen below, whatever the reason.
        finally:
            connection.close()
        if not receiver.complete:
            where = "in the middle of" if receiver.status else "before"
            raise RegistryUnavailable(f"{self.url}: the connection broke {where} an answer")

    async def ask(self, method: str, target: str, headers: dict[str, str] | None = None) -> Receiver:
        """A small exchange without a request body."""
        receiver = Receiver()
        await self.receive(await self.open(method, target, httputil.HTTPHeaders(headers or {})), receiver)
        return receiver

    async def has_blob(self, repository: str, digest: str) -> bool:
        answer = await self.ask("HEAD", f"/v2/{repository}/blobs/{digest}")
        if answer.status >= 500:
            raise RegistryUnavailable(f"{self.url}: status {answer.status} for a blob")
        return answer.status in (200, 307)

    async def repositories(self) -> list[str]:
        """Every repository of the registry's catalog."""
        found: list[str] = []
        while True:
            last = f"&last={quote(found[-1], safe='')}" if found else ""
            answer = await self.ask("GET", f"/v2/_catalog?n=100{last}")
            page = json.loads(answer.body)["repositories"] if answer.status == 200 else []
            found += page
            if not page or "Link" not in answer.headers:
                return found

    async def mistake(self) -> str | None:
        """Why this registry cannot be used, None if it can."""
        try:
            answer = await self.ask("GET", "/v2/")
        except RegistryUnavailable as error:
            return f"--registry {error}: no answer, wanted a running registry"
        if answer.status == 401:
            return f"--registry {self.url}: it asks for a login, wanted one without: the simulator is its guard"
        return None if answer.status == 200 else f"--registry {self.url}: status {answer.status} for /v2/, wanted 200"
