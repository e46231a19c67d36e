"""An inner cache that holds a few blobs already, asked over a socket, by the quick way or kept from it."""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dtr_content_cache.values.events import RequestServed

from .inner_cache import InnerCache, inner_cache
from .running_cache import eventually
from .upstream import Upstream

SMALL = random.Random(1).randbytes(3000)
LARGE = random.Random(2).randbytes(1 << 20) * 8
MIDDLE = random.Random(3).randbytes(100_000)  # too large for memory
SIZES = {"empty": b"", "small": SMALL, "middle": MIDDLE, "large": LARGE}
HOST = b"Host: cache\r\n"


@dataclass
class WarmOffice:
    upstream: Upstream
    cache: InnerCache
    digests: dict[str, str]

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.cache.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    def path(self, name: str, **claims: object) -> bytes:
        digest = self.digests[name]
        return f"/v2/org/app/blobs/{digest}?grant={self.upstream.grant(digest, **claims)}".encode()

    def plain(self, name: str, **claims: object) -> bytes:
        return b"GET " + self.path(name, **claims) + b" HTTP/1.1\r\n" + HOST + b"\r\n"

    def last(self, name: str = "small") -> bytes:
        """A request after which the connection ends, so that its end can be awaited."""
        return b"GET " + self.path(name) + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"

    @contextmanager
    def connected(self, receive_buffer: int | None = None) -> Iterator[socket.socket]:
        with socket.socket() as sock:
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.settimeout(10)
            sock.connect(self.address)
            yield sock

    @contextmanager
    def counted(self) -> Iterator[list[int]]:
        """How many requests were begun at once, how many were left to the ordinary way."""
        site, counts = self.cache.parts.site, [0, 0]
        begin, answer = site.begin, site.answer

        def counting_begin(*arguments):
            begun = begin(*arguments)
            counts[0] += begun is not None
            return begun

        async def counting_answer(*arguments):
            counts[1] += 1
            await answer(*arguments)

        site.begin, site.answer = counting_begin, counting_answer  # type: ignore[method-assign]
        try:
            yield counts
        finally:
            del site.begin, site.answer

    @contextmanager
    def never_quick(self) -> Iterator[None]:
        self.cache.parts.site.begin = lambda *_: None  # type: ignore[method-assign]
        try:
            yield
        finally:
            del self.cache.parts.site.begin

    def served(self) -> list[RequestServed]:
        return self.cache.told(RequestServed)


@contextmanager
def warm_office(place: Path) -> Iterator[WarmOffice]:
    with Upstream() as upstream, inner_cache(place, [upstream.url]) as cache:
        made = WarmOffice(upstream, cache, {name: upstream.add(data) for name, data in SIZES.items()})
        for name, digest in made.digests.items():
            assert cache.get(digest, upstream.grant(digest)).content == SIZES[name]
            eventually(lambda digest=digest: cache.is_stored(digest) and cache.flights == 0)
        yield made


def answer_of(sock: socket.socket) -> tuple[bytes, bytes]:
    """(head, body) of the next answer, by its Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"Content-Length: ([0-9]+)", head)
    assert found, head
    while len(body) < int(found[1]):
        body += sock.recv(1 << 18)
    return head, body


def undated(answer: bytes) -> bytes:
    return re.sub(rb"Date: [^\r]*", b"Date:", re.sub(rb"boundary=\w+|--[0-9a-f]{24}", b"boundary", answer))
