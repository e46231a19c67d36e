"""Whatever arrives on the socket of a cache that has the blob at hand: named leniencies of careless servers, floods,
and right requests with some bytes exchanged. Nobody gets a 5xx or the blob by it, and nobody beside it waits.

The table of what is malformed is malformed.py; `WELL` are the few that are right and must be answered with the blob, or
the campaign would only prove that nothing works.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable

from ..campaign import Found
from ..malformed import FLOODS, LENIENCIES_OF_TORNADO, REFUSED_BY_OTHERS_TOO, Case
from ..traffic import target
from .one_cache import OneCache

_MUTATIONS = 60
_HANG_S = 1.0
_HEAD_S = 12.0  # 10 by contract
_TRAPS = (
    *(b"\r", b"\n", b"\x00", b" ", b"\t", b":", b"\xff", b"%00", b"%2e", b"..", b"//", b"#", b"?", b"&grant="),
    *(b"Host: x\r\n", b"HTTP/1.0", b"HTTP/9.9", b"Range: bytes=0-", b"\r\n\r\n"),
)

_MALFORMED = {**LENIENCIES_OF_TORNADO, **REFUSED_BY_OTHERS_TOO}
WELL: dict[str, str] = {
    "plain": "GET {t} HTTP/1.1\r\nHost: cache\r\nConnection: close\r\n\r\n",
    "an offer of HTTP/2": "GET {t} HTTP/1.1\r\nHost: cache\r\nConnection: close, Upgrade, HTTP2-Settings\r\n"
    "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    "the old version, which needs no host": "GET {t} HTTP/1.0\r\n\r\n",
    "ranges by the hundred": "GET {t} HTTP/1.1\r\nHost: cache\r\nConnection: close\r\nRange: bytes="
    + ",".join(f"{at}-" for at in range(100))
    + "\r\n\r\n",
}


class RawRequests(OneCache):
    name = "raw requests"
    promise = (
        "Whatever arrives on the socket is answered rightly or refused in words within a second, in any number, "
        "without a 5xx, and never gives a blob for what RFC 9112 calls malformed; who asks rightly beside it is served"
    )
    unit = f"table of {len(_MALFORMED)} leniencies and {len(FLOODS)} floods, and {_MUTATIONS} damaged requests"
    share = 2.0
    ci, full = 2, 5_000
    blobs, largest = 5, 40_000

    def begin(self) -> None:
        super().begin()
        self.begin_life()
        self.digest = self.digests[4]
        self.blob = self.upstream.blobs[self.digest]
        self.cache.ask(target(self.upstream, self.digest))

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        with _Healthy(self._served) as beside:
            for name, case in {**_MALFORMED, **FLOODS}.items():
                self._refused(name, case, found)
            for name, case in WELL.items():
                answer = _answer(self.cache.port, self._raw(case))
                found.expect(answer.endswith(self.blob), f"{name}: the right request got {answer[:60]!r}")
            for _ in range(_MUTATIONS):
                self._damaged(chance, found)
            self._in_drops(found)
        found.count("pulls beside it", beside.right)
        found.expect(not beside.wrong and beside.right > 0, f"beside it: {beside.wrong[:2]}, {beside.right} served")
        found.expect(self.cache.alive() and self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        return found

    def _raw(self, case: str) -> bytes:
        whole = target(self.upstream, self.digest)
        path, _, query = whole.partition("?")
        return case.replace("{t}", whole).replace("{p}", path).replace("{q}", query).encode("latin-1")

    def _refused(self, name: str, case: Case, found: Found) -> None:
        began = time.monotonic()
        answer = _answer(self.cache.port, self._raw(case.sent), ends=True)
        found.count("malformed requests and floods")
        found.expect(self.blob not in answer, f"{name}: it gave the blob")
        found.expect(time.monotonic() - began < _HANG_S, f"{name}: {time.monotonic() - began:.1f} s")
        if not answer and case.may_be_cut:
            return
        found.expect(answer.startswith(f"HTTP/1.1 {case.status} ".encode()), f"{name}: {answer[:60]!r}")
        found.expect(answer.count(b"HTTP/1.1 ") == 1, f"{name}: more than one answer: {answer!r}")
        found.expect(case.stays or b"\r\nConnection: close\r\n" in answer, f"{name}: the connection stays")

    def _damaged(self, chance: random.Random, found: Found) -> None:
        """A right request, some bytes of it exchanged: it may still be right, but nothing may break."""
        sent = bytearray(self._raw(WELL["plain"]))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(sent))
            piece = chance.choice((*_TRAPS, chance.randbytes(1)))
            sent[at : at + chance.choice((0, 0, 1, 3))] = piece
        began = time.monotonic()
        answer = _answer(self.cache.port, bytes(sent), ends=True)
        found.count("damaged requests")
        status = answer[9:12]
        fine = not answer or (status[:1] in (b"2", b"3", b"4") or status == b"505")
        found.expect(fine, f"{bytes(sent)!r}: {answer[:60]!r}")
        whole = status != b"200" or not answer.endswith(self.blob) or b"grant=" in bytes(sent)
        found.expect(whole, f"{bytes(sent)!r}: it gave the blob without a grant")
        found.expect(time.monotonic() - began < _HANG_S, f"{bytes(sent)!r}: {time.monotonic() - began:.1f} s")

    def _in_drops(self, found: Found) -> None:
        """One byte at a time, as far as the time for a head goes: slowness is no fault."""
        with socket.create_connection(("127.0.0.1", self.cache.port), timeout=_HEAD_S) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in self._raw(WELL["plain"]):
                sock.sendall(bytes([byte]))
            found.expect(_read(sock).endswith(self.blob), "one byte at a time: the right request was not served")

    def _served(self) -> bool:
        status, body = self.cache.ask(target(self.upstream, self.digest), timeout_s=5)
        return status == 200 and body == self.blob


class _Healthy:
    """Somebody who asks rightly, again and again, while the context lasts."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask, self._over = ask, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.right, self.wrong = 0, list[str]()

    def __enter__(self) -> _Healthy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.02):
            began = time.monotonic()
            try:
                kept = self._ask() and time.monotonic() - began < _HANG_S
            except OSError as error:
                self.wrong.append(repr(error))
                continue
            self.right += kept
            if not kept:
                self.wrong.append(f"after {time.monotonic() - began:.2f} s")


def _answer(port: int, sent: bytes, *, ends: bool = False) -> bytes:
    """What comes back. `ends`: nothing more is said after `sent`, so that half a request ends as well."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        try:
            sock.sendall(sent)
            if ends:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was refused before its end
        return _read(sock)


def _read(sock: socket.socket) -> bytes:
    answer = b""
    try:
        while data := sock.recv(65_536):
            answer += data
    except OSError:
        pass
    return answer
