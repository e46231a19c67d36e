"""One HTTP exchange with an upstream: ask, check the head, read the body in bounded pieces.

Blocking; runs in a thread of the fetch pool. Follows redirects only for blobs and only to hosts that the operator
named. Rule for editors: no header, query or credential that belongs to one host is ever sent to another, and https
never becomes http.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from ssl import SSLContext
from typing import NamedTuple
from urllib.parse import urlsplit

from ..settings.model import Upstream
from .ask import Ask, request_bytes
from .connection import Connection
from .idle import IdleConnections
from .proxy import Proxies
from .response_head import HopFailed, ResponseHead, parse_response_head

_REDIRECTS = (301, 302, 303, 307, 308)
_REDIRECT_LIMIT = 5
DOCUMENT_WITHIN_S = 15.0  # some kilobytes, for which every client with an unknown key waits
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?")


class Exchange:
    """An answer whose head has been read. `read_into` until it returns 0, or `close` before."""

    def __init__(self, connection: Connection, head: ResponseHead, give_back: Callable[[Connection], None]) -> None:
        self.head = head
        self._connection = connection
        self._give_back = give_back
        self._left = 0 if head.chunked else head.length  # of the current chunk, or of the body; None: until it closes
        self._ended = head.length == 0 and not head.chunked
        self._line_end = 0  # bytes of the line end that closes the chunk before

    def read_into(self, view: memoryview) -> int:
        """At least one byte of the body, 0 after its last. Raise HopFailed where it ends early."""
        if self._ended:
            return 0
        if self.head.chunked:
            return self._read_chunks(view)
        count = self._read_piece(view)
        self._ended = count == 0 or self._left == 0
        return count

    def read_all(self, limit_bytes: int) -> bytes:
        """The whole body of a small answer. Raise HopFailed where it has more than `limit_bytes`."""
        body, buffer = bytearray(), memoryview(bytearray(64 * 1024))
        while count := self.read_into(buffer):
            body += buffer[:count]
            if len(body) > limit_bytes:
                raise HopFailed(f"an answer of more than {limit_bytes} bytes")
        return bytes(body)

    def _read_piece(self, view: memoryview) -> int:
        wanted = len(view) if self._left is None else min(len(view), self._left)
        count = self._connection.read_into(view[:wanted])
        if self._left is not None:
            if count == 0:
                raise HopFailed(f"the body ended {self._left} bytes early")
            self._left -= count
        return count

    def _read_chunks(self, view: memoryview) -> int:
        """As many chunks as have arrived and fit: an upstream that sends single bytes must not cost a write each."""
        count = 0
        while count < len(view) and not self._ended:
            if self._left == 0:
                if count and not self._connection.has_chunk_header(self._line_end):
                    break
                self._next_chunk()
            elif count and not self._connection.has_surplus:
                break
            else:
                count += self._read_piece(view[count:])
        return count

    def _next_chunk(self) -> None:
        if self._line_end and self._connection.read_line(2) != b"":
            raise HopFailed("a chunk is longer than it said")
        line = _CHUNK_SIZE.fullmatch(self._connection.read_line(4096))
        if not line:
            raise HopFailed("a malformed chunk header")
        self._left, self._line_end = int(line[1], 16), 2
        if self._left == 0:
            for _ in range(32):
                if self._connection.read_line(8192) == b"":
                    self._ended = True
                    return
            raise HopFailed("endless trailers")

    @property
    def has_body_at_hand(self) -> bool:
        """Did bytes of the body come together with the head?"""
        return self._connection.has_surplus

    def abort(self) -> None:
        """From another thread: the reading thread gets HopFailed."""
        self._connection.abort()

    def close(self) -> None:
        """Keep the connection for the next exchange where the body was read to its end and nothing came after it."""
        if self._ended and self.head.keeps_alive and not self._connection.has_surplus:
            self._give_back(self._connection)
        else:
            self._connection.close()


class Document(NamedTuple):
    """`date_s`: when the upstream gave it, by its own clock, None where it does not say."""

    body: bytes
    date_s: float | None = None


class Exchanges:
    """Opens exchanges and keeps a few idle connections to each upstream. Safe from any thread. `head_s` is how long the
    last answer of each host took to begin, by URL."""

    def __init__(
        self,
        context: Callable[[], SSLContext],
        stall_timeout_s: float,
        redirect_hosts: tuple[str, ...] = (),
        proxies: Proxies = Proxies(),  # noqa: B008 - frozen
    ) -> None:
        self._proxies = proxies
        self._context = context
        self._stall_timeout_s = stall_timeout_s
        self._redirect_hosts = redirect_hosts
        self._idle = IdleConnections(stall_timeout_s)
        self.head_s: dict[str, float] = {}

    def open(self, upstream: Upstream, ask: Ask) -> Exchange:
        """Send `ask`, return its answer whatever its status. Raise HopFailed where there is none to trust.

        A redirect of a blob is followed to `redirect_hosts` and nowhere else; any other is returned as it is.
        """
        target_upstream, target, extra = upstream, ask.target, ask.headers
        for _ in range(_REDIRECT_LIMIT):
            exchange = self._once(target_upstream, ask, target, extra)
            location = exchange.head.get("location")
            if not ask.for_blob or exchange.head.status not in _REDIRECTS or location is None:
                return exchange
            exchange.close()
            target_upstream, target = self._allowed(target_upstream, location)
            extra = ()
        raise HopFailed(f"more than {_REDIRECT_LIMIT} redirects")

    def _allowed(self, came_from: Upstream, location: str) -> tuple[Upstream, str]:
        try:
            parts = urlsplit(location)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            host = (parts.hostname or "").lower()
        except ValueError as error:
            raise HopFailed("a redirect to a malformed address") from error
        named = {host, f"{host}:{port}"} & set(self._redirect_hosts)
        if parts.scheme not in ("http", "https") or not named or parts.username is not None or parts.fragment:
            raise HopFailed(f"a redirect to {host[:80]!r}, which redirecthosts does not name")
        if came_from.scheme == "https" and parts.scheme != "https":
            raise HopFailed("a redirect from https to http")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not re.fullmatch(r"[\x21-\x7e]+", target):
            raise HopFailed("a redirect to a malformed address")
        return Upstream(parts.scheme, host, port), target

    def _once(self, upstream: Upstream, ask: Ask, target: str, extra: tuple[tuple[str, str], ...]) -> Exchange:
        proxy = self._proxies.way_to(upstream)
        request = request_bytes(upstream, ask, target, extra, proxy if upstream.scheme == "http" else None)
        keep = self._idle.keeper(upstream.url)
        connection = self._idle.take(upstream.url)
        if connection is not None:
            try:
                exchange = self._answer(connection, upstream, ask, request, keep)
                connection.set_stall_timeout(self._stall_timeout_s)
                return exchange
            except HopFailed:
                # The idle connection may have been closed or gone dead just as we used it: a fresh one decides.
                connection.close()
        connection = Connection.open(upstream, self._context(), self._stall_timeout_s, proxy)
        try:
            return self._answer(connection, upstream, ask, request, keep)
        except BaseException:
            connection.close()
            raise

    def _answer(
        self, connection: Connection, upstream: Upstream, ask: Ask, request: bytes, keep: Callable[[Connection], None]
    ) -> Exchange:
        asked_s = time.monotonic()
        connection.ask(request, ask.within_s)
        ask.sent()
        head = parse_response_head(connection.read_head(), bodiless=ask.method == "HEAD")
        self.head_s[upstream.url] = time.monotonic() - asked_s
        if ask.method == "HEAD" or head.status in (204, 304):
            declared = head.length
            head = ResponseHead(head.status, head.http_minor, head.headers, 0, False)
            exchange = Exchange(connection, head, keep)
            exchange.head = ResponseHead(head.status, head.http_minor, head.headers, declared, False)
            return exchange
        return Exchange(connection, head, keep)

    def forget_idle(self) -> None:
        """No connection that there is now is used again: the trusted authorities changed, or we stop."""
        self._idle.forget()

    def probe(self, upstream: Upstream) -> None:
        """Is anybody there who answers? Raise HopFailed where not, or where all it has is an error of its own."""
        exchange = self.open(upstream, Ask("HEAD", "/v2/"))
        exchange.close()
        if exchange.head.status >= 500:
            raise HopFailed(f"status {exchange.head.status} to a probe", exchange.head.retry_after_s())

    def fetch_document(self, upstream: Upstream, path: str, limit_bytes: int) -> Document:
        """A small one by GET, whole. Raise HopFailed for another status than 200, for more than `limit_bytes`, or where
        it takes longer than DOCUMENT_WITHIN_S."""
        exchange = self.open(upstream, Ask("GET", path, within_s=DOCUMENT_WITHIN_S))
        try:
            if exchange.head.status != 200:
                raise HopFailed(
                    f"{path} was answered with status {exchange.head.status}", exchange.head.retry_after_s()
                )
            return Document(exchange.read_all(limit_bytes), exchange.head.date_s())
        finally:
            exchange.close()
