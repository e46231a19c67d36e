"""The operator's listener (http.debug.addr): health, readiness, metrics, the status page. Nothing for clients.

Rule for editors: it answers from what is at hand, so that a probe gets its answer while everything else is stuck.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from ..values.events import Emit
from .accepting import Accepting
from .quiet_stream import QuietStream
from .status_page import status_page

Reasons = Callable[[], Mapping[str, str]]
HEALTH_PATH = "/debug/health"
READY_PATH = "/debug/ready"
FRESH_PATH = "/debug/fresh"
STATUS_PATH = "/debug/status"
STATUS_JSON_PATH = "/debug/status.json"
_FRONT_DOORS = r"/(?:debug/?)?"


def debug_application(
    failures: Reasons,
    not_ready: Reasons,
    not_fresh: Reasons,
    metrics: Callable[[], bytes] | None = None,
    metrics_path: str | None = None,
    metrics_type: str = "text/plain",
    status: Callable[[], Awaitable[dict[str, Any]]] | None = None,
) -> Application:
    """`failures`, `not_ready` and `not_fresh` give check → reason, empty for well; without a `metrics_path` metrics
    are off. `status` gives what the status page shows."""
    routes: list[tuple[str, type[RequestHandler], dict[str, Any]]] = [
        (HEALTH_PATH, _ReasonsHandler, {"reasons": failures}),
        (READY_PATH, _ReasonsHandler, {"reasons": not_ready}),
        (FRESH_PATH, _ReasonsHandler, {"reasons": not_fresh}),
    ]
    if metrics is not None and metrics_path is not None:
        # Tornado reads routes as patterns.
        routes.append((re.escape(metrics_path), _MetricsHandler, {"render": metrics, "content_type": metrics_type}))
    if status is not None:
        routes += [
            (_FRONT_DOORS, _FrontDoorHandler, {}),
            (re.escape(STATUS_PATH), _PageHandler, {}),
            (re.escape(STATUS_JSON_PATH), _StatusHandler, {"status": status}),
        ]
    return Application(routes, default_handler_class=_NotFoundHandler, log_function=lambda handler: None)


class DebugServer(HTTPServer):
    """A server for it with limits: small heads, no bodies, no idle connection for ever. Who asks while descriptors or
    memory are short waits as clients do, and costs nobody more than his question."""

    def initialize(self, application: Application, emit: Emit) -> None:  # type: ignore[override]
        """What Tornado calls where others have `__init__`."""
        super().initialize(application, max_header_size=16 * 1024, max_body_size=0, idle_connection_timeout=75)
        self._emit = emit

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Raise OSError where the kernel cannot watch one."""
        for sock in sockets:
            accepting = Accepting(sock, self._welcome, self._emit)
            accepting.start()
            self._sockets[sock.fileno()], self._handlers[sock.fileno()] = sock, accepting.stop

    def _welcome(self, client: socket.socket, address: Any) -> None:
        self.handle_stream(QuietStream(client, max_buffer_size=self.max_buffer_size), address)


class _Quiet(RequestHandler):
    """No pages, no server's name, no answer that a cache or a browser may keep or interpret."""

    SUPPORTED_METHODS = ("GET", "HEAD")

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def compute_etag(self) -> None:
        return None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if status_code == 405:
            self.set_header("Allow", ", ".join(self.SUPPORTED_METHODS))
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish("{}")

    async def head(self) -> None:
        self.get()


class _ReasonsHandler(_Quiet):
    def initialize(self, reasons: Reasons) -> None:
        self._reasons = reasons

    def get(self) -> None:
        reasons = dict(self._reasons())
        self.set_status(503 if reasons else 200)
        self.finish(reasons)


class _MetricsHandler(_Quiet):
    def initialize(self, render: Callable[[], bytes], content_type: str) -> None:
        self._render, self._content_type = render, content_type

    def get(self) -> None:
        self.set_header("Content-Type", self._content_type)
        self.finish(self._render())


class _FrontDoorHandler(_Quiet):
    def get(self) -> None:
        self.redirect(STATUS_PATH)


class _PageHandler(_Quiet):
    def get(self) -> None:
        page = status_page()
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", page.policy)
        self.set_header("Referrer-Policy", "no-referrer")
        self.finish(page.html)


class _StatusHandler(_Quiet):
    def initialize(self, status: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._status = status

    async def get(self) -> None:
        self.finish(await self._status())

    async def head(self) -> None:
        await self.get()


class _NotFoundHandler(_Quiet):
    def prepare(self) -> None:
        self.send_error(404)
