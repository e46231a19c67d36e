"""Pushing a blob: upload sessions of the registry behind the simulator.

Owns: POST, PATCH, PUT, GET, DELETE under `blobs/uploads/`, mounting from another repository.
Does not own: the sessions themselves, which are the registry's. Rule: a body is passed on as it arrives, never kept.
"""

from __future__ import annotations

from collections.abc import Awaitable
from urllib.parse import parse_qsl, urlencode

import tornado.web
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from .. import names
from ..content.registry_behind import BODY_LIMIT_BYTES
from ..failures import Failure, registry_failure
from ..registry_tokens import Bearer
from .registry import RegistryRequest
from .relay import end_relay, open_relay


@tornado.web.stream_request_body
class Uploads(RegistryRequest):
    _connection: HTTP1Connection | None = None

    _refusal: Failure | None = None

    async def prepare(self) -> None:
        try:
            await self._open()
        except Failure as refusal:
            if self._expects_body():
                # Answering before the body was read ends the connection; the client is told.
                refusal.extra["Connection"] = "close"
                raise
            self._refusal = refusal

    def _expects_body(self) -> bool:
        headers = self.request.headers
        return "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"

    async def _open(self) -> None:
        if (self.request.method or "") not in self.allowed_methods().split(", "):
            raise registry_failure("UNSUPPORTED")
        repository, session = self.path_args
        token = self.authorize(repository, "pull", "push")
        if repository in self.dtr.layouts or self.dtr.registry is None:
            raise registry_failure("UNSUPPORTED", message="this repository is served from an image layout: read only")
        if session.startswith(".") or "/" in session or (self.request.method == "POST") == bool(session):
            raise registry_failure("NAME_UNKNOWN", message="no such upload")
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection):
            connection.set_max_body_size(BODY_LIMIT_BYTES)
        query = self._query(token)
        target = f"/v2/{repository}/blobs/uploads/{session}" + (f"?{query}" if query else "")
        self._connection = await open_relay(self, target)

    def _query(self, token: Bearer) -> str:
        """The query to pass on; a mount from a repository that the account may not read becomes a plain upload."""
        source = self.get_query_argument("from", "")
        readable = names.is_repository(source) and "pull" in (
            token.actions(source) & self.dtr.accounts.rights(self.account, source))
        if "mount" not in self.request.query or (readable and source not in self.dtr.layouts):
            return self.request.query
        kept = [(key, value) for key, value in parse_qsl(self.request.query, keep_blank_values=True)
                if key not in ("mount", "from")]
        return urlencode(kept)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._received += len(chunk)
        return self._pass_on(chunk)

    async def _pass_on(self, chunk: bytes) -> None:
        if self._connection is None:
            return
        try:
            await self._connection.write(chunk)
        except StreamClosedError:
            # The registry has said no before the end; its answer is read when the body is over.
            pass

    async def _end(self, repository: str, session: str) -> None:
        if self._refusal:
            raise self._refusal
        connection, self._connection = self._connection, None
        if connection:
            await end_relay(self, connection)

    post = put = patch = get = delete = _end

    def on_connection_close(self) -> None:
        if self._connection:
            self._connection.close()
        super().on_connection_close()
