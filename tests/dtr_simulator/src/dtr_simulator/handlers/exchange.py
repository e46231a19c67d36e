"""What every request has: an account, a way it proved itself, a failure form, one record in the log.

Owns: logging exactly once, counting bytes, streaming a body with the last chunk held back.
Does not own: the failure form of each family (api.py, registry.py).
Rule: the record is written before the last bytes leave, so that whoever has the answer finds the record.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import sys
import time
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import tornado.web
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from ..accounts import Account
from ..dtr import Dtr
from ..failures import Failure
from ..request_log import Record

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Exchange(tornado.web.RequestHandler):
    account: Account | None = None
    account_name = ""
    via = "anonymous"

    def initialize(self, dtr: Dtr) -> None:
        self.dtr = dtr
        self._started = time.perf_counter()
        self._sent = self._received = 0
        self._logged = False
        self._held: bytes | None = None

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        # DTR sends these since 2.4.4.
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Strict-Transport-Security", "max-age=31536000")

    def compute_etag(self) -> str | None:
        return None

    def allowed_methods(self) -> str:
        base = tornado.web.RequestHandler
        return ", ".join(name for name in METHODS
                         if getattr(type(self), name.lower()) is not getattr(base, name.lower()))

    def identify(self, account: Account | None, via: str, name: str | None = None) -> None:
        self.account, self.via = account, via
        self.account_name = name if name is not None else account.name if account else ""

    def basic_credentials(self) -> tuple[str, str] | None:
        """User and password of the Authorization header; None without one of that scheme."""
        scheme, _, value = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, secret

    # Bodies

    def write(self, chunk: str | bytes | dict[str, Any]) -> None:
        super().write(chunk)
        self._sent += len(chunk)

    def clear(self) -> None:
        super().clear()
        self._sent = 0

    async def stream(self, chunk: bytes) -> bool:
        """Send a part of the body at the client's pace; the newest part waits for the next one, or for finish.

        False if the client has left: then there is nothing more to do.
        """
        if self._held is not None:
            self.write(self._held)
        else:
            # The head goes out alone; waiting for its acknowledgement would cost small bodies 40 ms.
            self.set_nodelay(True)
        try:
            await self.flush()
        except StreamClosedError:
            self.cut()
            return False
        self._held = chunk
        return True

    def set_nodelay(self, value: bool) -> None:
        if isinstance(self.request.connection, HTTP1Connection):
            self.request.connection.stream.set_nodelay(value)

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Any:
        if self._held is not None:
            held, self._held = self._held, None
            self.write(held)
        if chunk is not None:
            self.write(chunk)
        self._note(completed=True)
        return super().finish()

    def cut(self) -> None:
        """Break the connection: what was sent so far must not look complete."""
        self._held = None
        self._note(completed=False)
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection):
            connection.close()

    # The end

    def on_connection_close(self) -> None:
        self._note(completed=False)

    def log_exception(self, typ: type[BaseException] | None, value: BaseException | None,
                      tb: TracebackType | None) -> None:
        if not isinstance(value, (tornado.web.HTTPError, StreamClosedError)):
            traceback.print_exception(typ, value, tb, file=sys.stderr)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        failure = error if isinstance(error, Failure) else self.own_failure(status_code)
        if status_code == 405:
            self.set_header("Allow", self.allowed_methods())
        for name, value in failure.extra.items():
            self.set_header(name, value)
        self.write_failure(failure)

    def own_failure(self, status: int) -> Failure:
        """The failure for a status that the HTTP layer chose."""
        return Failure(status, "UNKNOWN", http.client.responses.get(status, "error"))

    def write_failure(self, failure: Failure) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{failure.status_code}: {failure.message}\n")

    def _note(self, completed: bool) -> None:
        if self._logged:
            return
        self._logged = True
        bodiless = self.request.method == "HEAD" or self.get_status() in (204, 304)
        self.dtr.log.add(Record(
            time=self.dtr.now(), method=self.request.method or "", path=self.request.path,
            query_keys=query_keys(self.request.query), status=self.get_status(), account=self.account_name,
            via=self.via, bytes=0 if bodiless else self._sent, received_bytes=self._received or len(self.request.body),
            seconds=round(time.perf_counter() - self._started, 6), remote=self.request.remote_ip or "",
            user_agent=self.request.headers.get("User-Agent", ""), range=self.request.headers.get("Range", ""),
            location_host=_location_host(self._headers), completed=completed))


def query_keys(query: str) -> list[str]:
    return [unquote_plus(part.partition("=")[0]) for part in query.split("&") if part]


def _location_host(headers: Mapping[str, str]) -> str:
    return urlsplit(headers.get("Location", "")).netloc


class NotFound(Exchange):
    """Every path that DTR does not have."""

    def prepare(self) -> None:
        raise Failure(404, "NOT_FOUND", "page not found")
