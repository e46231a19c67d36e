"""Exchanges with an upstream of this process, without credentials, and what is asked of it."""

from __future__ import annotations

import ssl

from dtr_content_cache.settings.model import Upstream as Hop
from dtr_content_cache.upstream.ask import Ask
from dtr_content_cache.upstream.exchange import Exchanges

from .upstream import Upstream

BODY = bytes(range(256)) * 40
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CONTEXT = ssl.create_default_context()


def hop_to(upstream: Upstream) -> Hop:
    return Hop("http", "127.0.0.1", upstream.port)


def new_exchanges(*redirect_hosts: str, stall_s: float = 5.0) -> Exchanges:
    return Exchanges(lambda: CONTEXT, stall_s, redirect_hosts)


def blob_path(upstream: Upstream, body: bytes = BODY) -> str:
    return f"/v2/org/app/blobs/{upstream.add(body)}"


def read(exchanges: Exchanges, upstream: Upstream, ask: Ask, piece: int = 1000) -> bytes:
    exchange = exchanges.open(hop_to(upstream), ask)
    try:
        body, view = b"", memoryview(bytearray(piece))
        while count := exchange.read_into(view):
            body += view[:count]
        return body
    finally:
        exchange.close()
