"""Two requests in one, alone and behind nginx: the cache never sees a request that the proxy before it did not see.

Each payload is a request A with something odd about where it ends, and a request B where its body would be. Both name a
digest of their own, so the logs of the proxy and of the cache tell who took what for a request.
"""

from __future__ import annotations

import random
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from doubles.running_cache import eventually, free_port

from ..campaign import CannotRun, Found
from .one_cache import OneCache

_PAYLOADS = 40
_ANSWER_WITHIN_S = 0.25
_ASKED = re.compile(r"/v2/(one|two|end)/x/blobs/sha256:([0-9a-f]{64})")

_LENGTHS = (
    "Content-Length: {n}",
    "content-length:{n}",
    "Content-Length:\t{n}",
    "Content-Length : {n}",
    " Content-Length: {n}",
    "Content-Length: +{n}",
    "Content-Length: -{n}",
    "Content-Length: 0x{n:x}",
    "Content-Length: {n}_0",
    "Content-Length: {n}, {n}",
    "Content-Length: 0, {n}",
    "Content-Length: {n}\r\nContent-Length: 0",
    "Content-Length: 0\r\nContent-Length: {n}",
    "Content-Length: {n}\r\nContent-Length: {n}",
    "Content-Length: {n}\x00",
    "Content-Length: {n}\x0b",
    "Content-Length: {n};x",
    "Content-Length: \r\n {n}",
    "X: y\nContent-Length: {n}",
    "X: y\rContent-Length: {n}",
    "X:\r\n\tContent-Length: {n}",
    "Content-Length\x00: {n}",
    "Content-Length\t: {n}",
)
_CODINGS = (
    "Transfer-Encoding: chunked",
    "transfer-encoding:CHUNKED",
    "Transfer-Encoding : chunked",
    " Transfer-Encoding: chunked",
    "Transfer-Encoding:\x0bchunked",
    "Transfer-Encoding: chunked\x0b",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: chunked,",
    "Transfer-Encoding: ,chunked",
    'Transfer-Encoding: "chunked"',
    "Transfer-Encoding:\r\n chunked",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\rTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\x00",
    "Transfer-Encoding\x00: chunked",
    "Transfer-Encoding: ch\xfcnked",
)
_LINES = (
    "GET {a} HTTP/1.1",
    "POST {a} HTTP/1.1",
    "HEAD {a} HTTP/1.1",
    "GET {a} HTTP/1.0",
    "PUT {a} HTTP/1.1",
    "GET http://cache{a} HTTP/1.1",
    "GET /{a} HTTP/1.1",
    "GET {a}?x#y HTTP/1.1",
    "GET\t{a}\tHTTP/1.1",
    "GET  {a} HTTP/1.1",
    "GET {a} HTTP/1.2",
)


def payload(chance: random.Random, number: str) -> bytes:
    """A and B of this number; B begins where a lenient or a strict reader may see A's end."""
    second = f"GET /v2/two/x/blobs/sha256:{number} HTTP/1.1\r\nHost: cache\r\n\r\n"
    body = chance.choice(
        (
            second,
            f"0\r\n\r\n{second}",
            f"{len(second):x}\r\n{second}\r\n0\r\n\r\n",
            f"0\r\nX: y\r\n\r\n{second}",
            f"0;a=b\r\n\r\n{second}",
            f"1\r\nZ\r\n0\r\n\r\n{second}",
            f"00000000000000000\r\n\r\n{second}",
            f"0_0\r\n\r\n{second}",
            f"-0\r\n\r\n{second}",
            f"0\n\n{second}",
            f"1\r\nZZ\r\n0\r\n\r\n{second}",
        )
    )
    lengths = (0, len(body), len(body) - len(second), 5)
    length = chance.choice(_LENGTHS).format(n=abs(chance.choice(lengths)))
    coding = chance.choice(_CODINGS)
    framing = chance.choice(([length], [coding], [length, coding], [coding, length]))
    headers = ["Host: cache", *framing]
    if chance.random() < 0.3:
        headers.append(
            chance.choice(("Connection: keep-alive", "Connection: Transfer-Encoding", "Expect: 100-continue"))
        )
    chance.shuffle(headers)
    line = chance.choice(_LINES if chance.random() < 0.4 else _LINES[:2]).format(a=f"/v2/one/x/blobs/sha256:{number}")
    end = "\n" if chance.random() < 0.05 else "\r\n"
    return (end.join([line, *headers]) + end * 2 + body).encode("latin-1")


def send(port: int, data: bytes) -> None:
    """Send it and read until it is quiet: who answers what is told by the logs."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.settimeout(_ANSWER_WITHIN_S)
        try:
            sock.sendall(data)
            while sock.recv(65536):
                pass
        except OSError:
            pass


class Nginx:
    """A reverse proxy that keeps its connections to the cache, as people put one before it."""

    def __init__(self, folder: Path, upstream_port: int) -> None:
        if shutil.which("nginx") is None:
            raise CannotRun("nginx is not installed")
        self.port = free_port()
        self._log = folder / "nginx.log"
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.err crit;\n"
            "events { worker_connections 512; }\n"
            "http { log_format asked '$upstream_addr $request_uri';\n"
            f"access_log {self._log} asked; client_body_temp_path {folder}; proxy_temp_path {folder};\n"
            f"fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
            f"upstream cache {{ server 127.0.0.1:{upstream_port}; keepalive 4; }}\n"
            f"server {{ listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://cache;\n"
            'proxy_http_version 1.1; proxy_set_header Connection ""; } } }\n'
        )
        self._process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config)], stderr=subprocess.DEVNULL)
        eventually(self._listens)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def forwarded(self) -> set[tuple[str, str]]:
        """Which requests it passed on, by (one or two, number)."""
        lines = self._log.read_text(encoding="latin-1").splitlines()
        return {match.groups() for line in lines if not line.startswith("-") for match in _ASKED.finditer(line)}  # type: ignore[misc]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


class Smuggling(OneCache):
    name = "smuggling"
    promise = (
        "However a request is framed, the cache takes nothing for a request that the proxy before it did not, and "
        "alone no body"
    )
    unit = f"set of {_PAYLOADS} payloads, alone and behind nginx"
    ci, full = 10, 25_000

    def begin(self) -> None:
        super().begin()
        self.begin_life()
        self._nginx = Nginx(self.place, self.cache.port)

    def end(self) -> None:
        if hasattr(self, "_nginx"):
            self._nginx.stop()
        super().end()

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        payloads = {}
        for _ in range(_PAYLOADS // 2):
            for behind in (True, False):
                number = f"{chance.getrandbits(256):064x}"
                payloads[number] = (behind, payload(chance, number))
                send(self._nginx.port if behind else self.cache.port, payloads[number][1])
        taken = self._taken(f"{chance.getrandbits(256):064x}")
        time.sleep(0.02)
        passed_on = self._nginx.forwarded()
        found.count("payloads sent", _PAYLOADS)
        found.count("requests that nginx passed on", len(passed_on & taken))
        for which, number in taken:
            if number not in payloads:
                continue
            behind, sent = payloads[number]
            smuggled = (which, number) not in passed_on if behind else which == "two"
            found.expect(not smuggled, f"{'behind nginx' if behind else 'alone'}, taken for a request: {sent!r}")
        found.expect(self.cache.alive(), f"the cache ended: {self.cache.said()}")
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        return found

    def _taken(self, number: str) -> set[tuple[str, str]]:
        """What the cache logged as requests, once it has logged a last one of ours."""
        self.cache.ask(f"/v2/end/x/blobs/sha256:{number}")
        eventually(lambda: number in self.cache.log.read_text(encoding="latin-1"))
        return set(_ASKED.findall(self.cache.log.read_text(encoding="latin-1")))
