"""An upstream that misbehaves on command: a real HTTP server on a real socket, whose every byte a test can decide.

It owns an origin's key, so it is a whole DTR as far as a cache can see: discovery, grants, blobs, ranges. A *fault* is
a function that gets the request and the answer's socket and does its worst; `None` means to behave.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate

from dtr_simulator import grants, jws

from .accepting import accepted

_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")


@dataclass
class Asked:
    """A request as it arrived. `sent` counts the body bytes that went out for it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    sent: int = 0

    @property
    def start(self) -> int:
        match = _RANGE.fullmatch(self.headers.get("range", ""))
        return int(match[1]) if match else 0

    def end(self, total: int) -> int:
        match = _RANGE.fullmatch(self.headers.get("range", ""))
        return int(match[2]) + 1 if match and match[2] else total


Fault = Callable[["Answering"], None]


@dataclass
class Answering:
    """What a fault works with."""

    asked: Asked
    blob: bytes
    sock: socket.socket
    upstream: Upstream

    def head(self, status: str, **headers: object) -> None:
        lines = [f"HTTP/1.1 {status}"] + [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def body(self, data: bytes) -> None:
        for at in range(0, len(data), 64 * 1024):
            piece = data[at : at + 64 * 1024]
            self.sock.sendall(piece)
            self.asked.sent += len(piece)

    def well(self, data: bytes | None = None) -> None:
        """The right answer, for the whole blob or the asked range; `data` instead of the blob's own bytes."""
        data = self.blob if data is None else data
        start, end = self.asked.start, self.asked.end(len(data))
        if "range" in self.asked.headers:
            content_range = f"bytes {start}-{end - 1}/{len(data)}"
            self.head("206 Partial Content", Content_Length=end - start, Content_Range=content_range)
        else:
            self.head("200 OK", Content_Length=len(data))
        if self.asked.method == "GET":
            self.body(data[start:end])

    def reset(self) -> None:
        """End the connection by RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@dataclass
class Upstream:
    """`with Upstream() as upstream:`; then `add` blobs, `fault` requests, read `asked`."""

    context: ssl.SSLContext | None = None
    origin: str = ""
    key: jws.SigningKey = field(default_factory=lambda: jws.SigningKey.new())
    more_keys: list[jws.SigningKey] = field(default_factory=list)  # that its discovery document names, too
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)  # one for each blob GET, in order; then all behave
    always: Fault | None = None  # for every blob GET after those
    always_of: dict[str, Fault] = field(default_factory=dict)  # by digest, instead of both
    heads_of: dict[str, Fault] = field(default_factory=dict)  # for HEAD requests, by digest; "/v2/"
    discovery_status: int = 200
    ahead_s: float | None = None  # of our clock, by the Date of its discovery document; None: it tells no time
    port: int = 0

    def __enter__(self) -> Upstream:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"
        self.origin = self.origin or self.url
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self.release = threading.Event()  # for faults that wait until the test lets them go on
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        # A thread that sits in accept or recv keeps a closed socket alive; one that was shut down it leaves, and closes
        # itself what is its connection: OpenSSL may be about to read from a number that is another's by then.
        _shut_down(self._listener)
        self._listener.close()
        with self._lock:
            for sock in self._sockets:
                _shut_down(sock)

    def stop(self) -> None:
        """Refuse connections from now on, break those that are open."""
        self.__exit__()

    def start(self) -> None:
        """Come back on the same port after `stop`."""
        self.__enter__()

    def add(self, data: bytes) -> str:
        """The digest by which the blob can be asked."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    def grant(
        self,
        digest: str,
        account: str = "alice",
        repository: str = "org/app",
        key: jws.SigningKey | None = None,
        **claims: object,
    ) -> str:
        right = grants.grant_claims(self.origin, account, repository, digest, time.time(), 900)
        return grants.mint(key or self.key, right | claims, None)

    @property
    def discovery(self) -> dict[str, object]:
        keys = [key.jwk() for key in (self.key, *self.more_keys)]
        return {"version": 1, "origin": self.origin, "jwks": {"keys": keys}}

    def blob_requests(self, method: str = "GET") -> list[Asked]:
        return [asked for asked in self.asked if "/blobs/" in asked.path and asked.method == method]

    # -- the server ---------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        for sock in accepted(self._listener):
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_side=True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets.add(sock)
            pending = b""
            while True:
                while b"\r\n\r\n" not in pending:
                    data = sock.recv(65536)
                    if not data:
                        return
                    pending += data
                head, _, pending = pending.partition(b"\r\n\r\n")
                self._answer(_parse(head.decode("latin-1")), sock)
        except OSError:
            pass
        finally:
            with self._lock:
                self._sockets.discard(sock)
            sock.close()

    def _answer(self, asked: Asked, sock: socket.socket) -> None:
        with self._lock:
            self.asked.append(asked)
        answering = Answering(asked, b"", sock, self)
        if asked.path == "/.well-known/dtr-content-cache":
            body = json.dumps(self.discovery).encode()
            date = {} if self.ahead_s is None else {"Date": formatdate(time.time() + self.ahead_s, usegmt=True)}
            answering.head(f"{self.discovery_status} X", Content_Length=len(body), **date)
            answering.body(body)
            return
        if asked.path == "/v2/":
            (self.heads_of.get("/v2/") or (lambda answering: answering.head("200 OK", Content_Length=0)))(answering)
            return
        answering.blob = self.blobs.get(asked.path.rpartition("/")[2], b"")
        if asked.path.rpartition("/")[2] not in self.blobs:
            answering.head("404 Not Found", Content_Length=0)
            return
        fault = None
        if asked.method == "GET":
            fault = self._fault_for(asked.path.rpartition("/")[2])
        else:
            fault = self.heads_of.get(asked.path.rpartition("/")[2])
        (fault or Answering.well)(answering)

    def _fault_for(self, digest: str) -> Fault | None:
        with self._lock:
            if digest in self.always_of:
                return self.always_of[digest]
            return self.faults.pop(0) if self.faults else self.always


def _shut_down(sock: socket.socket) -> None:
    """Not by the TLS socket's own `shutdown`, which takes the TLS layer from the thread that reads."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        pass


def _parse(head: str) -> Asked:
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Asked(method, path, query, headers)


# -- faults -----------------------------------------------------------------------------------------------------------


def cut_after(count: int) -> Fault:
    """A right head, then `count` bytes of the body, then the end of the connection."""

    def fault(answering: Answering) -> None:
        data = answering.blob[answering.asked.start : answering.asked.end(len(answering.blob))]
        if "range" in answering.asked.headers:
            start = answering.asked.start
            content_range = f"bytes {start}-{start + len(data) - 1}/{len(answering.blob)}"
            answering.head("206 Partial Content", Content_Length=len(data), Content_Range=content_range)
        else:
            answering.head("200 OK", Content_Length=len(data))
        answering.body(data[:count])
        answering.sock.shutdown(socket.SHUT_RDWR)

    return fault


def reset_after(count: int) -> Fault:
    """As `cut_after`, by RST."""

    def fault(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=len(answering.blob))
        answering.body(answering.blob[:count])
        answering.reset()

    return fault


def wrong_byte(at: int) -> Fault:
    """The right length, one bit of the byte `at` flipped."""

    def fault(answering: Answering) -> None:
        data = bytearray(answering.blob)
        data[at] ^= 1
        answering.well(bytes(data))

    return fault


def status(line: str, **headers: object) -> Fault:
    def fault(answering: Answering) -> None:
        answering.head(line, Content_Length=0, **headers)

    return fault


def hold_after(count: int) -> Fault:
    """A right head and `count` bytes; the rest when the test sets `upstream.release`."""

    def fault(answering: Answering) -> None:
        start = answering.asked.start
        data = answering.blob[start : answering.asked.end(len(answering.blob))]
        if "range" in answering.asked.headers:
            content_range = f"bytes {start}-{start + len(data) - 1}/{len(answering.blob)}"
            answering.head("206 Partial Content", Content_Length=len(data), Content_Range=content_range)
        else:
            answering.head("200 OK", Content_Length=len(data))
        answering.body(data[:count])
        answering.upstream.release.wait(30)
        answering.body(data[count:])

    return fault


def raw(*pieces: bytes) -> Fault:
    """Exactly these bytes, then the end of the connection."""

    def fault(answering: Answering) -> None:
        for piece in pieces:
            answering.sock.sendall(piece)
        answering.sock.shutdown(socket.SHUT_RDWR)

    return fault
