"""Very many clients in one thread: healthy ones that pull and check, those that take as much as the line carries, and
those that are no good. For load campaigns.

Rule for editors: an answer is judged where it is read; nothing here keeps a body longer than it takes to hash it.
"""

from __future__ import annotations

import asyncio
import hashlib
import selectors
import socket
import time
from dataclasses import dataclass, field

_PIECE = 256 * 1024
_NEAR_BYTES = 64 * 1024  # on one machine, what a client has not read yet is still the sender's memory


@dataclass
class Pulls:
    """Of healthy clients: seconds of each pull that was right, sentences of those that were not."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def quantile_s(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def pull(port: int, target: str, wanted: bytes, pulls: Pulls, byte_range: str = "") -> None:
    """One pull on a connection of its own; `wanted` is the SHA-256 of the body."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(120):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                more = f"Range: bytes={byte_range}\r\n" if byte_range else ""
                writer.write(f"GET {target} HTTP/1.1\r\nHost: cache\r\n{more}Connection: close\r\n\r\n".encode())
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                seen = hashlib.sha256()
                while data := await reader.read(_PIECE):
                    seen.update(data)
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError) as error:
        pulls.wrong.append(repr(error))
        return
    if not head.startswith(("HTTP/1.1 200", "HTTP/1.1 206")) or seen.digest() != wanted:
        pulls.wrong.append(f"{head.splitlines()[0]}, and not the asked bytes")
        return
    pulls.seconds.append(time.monotonic() - began)


@dataclass
class Taker:
    """A client that asks for a whole blob and leaves after `size` bytes of it. `wrong`: a sentence."""

    size: int
    answered: bool = False
    taken: int = 0
    wrong: str = ""


def take_all(port: int, target: str, blob: memoryview, takers: list[Taker], within_s: float) -> None:
    """All at the same time; every byte of each is compared with the blob's."""
    selector, deadline = selectors.DefaultSelector(), time.monotonic() + within_s
    piece = bytearray(_PIECE)
    for taker in takers:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NEAR_BYTES)
        sock.connect(("127.0.0.1", port))
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: cache\r\n\r\n".encode())
        selector.register(sock, selectors.EVENT_READ, taker)
    while selector.get_map() and time.monotonic() < deadline:
        for key, _ in selector.select(1.0):
            if not _takes_on(key.fileobj, key.data, blob, piece):
                selector.unregister(key.fileobj)
                key.fileobj.close()
    for key in list(selector.get_map().values()):
        key.data.wrong = f"{key.data.taken} bytes within {within_s:.0f} s"
        key.fileobj.close()
    selector.close()


def _takes_on(sock: socket.socket, taker: Taker, blob: memoryview, piece: bytearray) -> bool:
    """Take what has come; False: it leaves."""
    try:
        if not taker.answered:
            head = sock.recv(_PIECE, socket.MSG_PEEK)
            length = head.find(b"\r\n\r\n") + 4
            if length < 4 and head:
                return True
            if not head.startswith(b"HTTP/1.1 200"):
                taker.wrong = f"{head[:40]!r} instead of 200"
                return False
            sock.recv(length)
            taker.answered = True
            return True
        count = sock.recv_into(piece, min(len(piece), taker.size - taker.taken))
    except OSError as error:
        taker.wrong = f"{error!r} after {taker.taken} bytes"
        return False
    at = taker.taken
    # A bytearray compares at the speed of memory; a memoryview byte by byte.
    if (piece if count == len(piece) else piece[:count]) != blob[at : at + count]:
        taker.wrong = f"other bytes between {at} and {at + count}"
    elif not count:
        taker.wrong = f"the answer ended after {taker.taken} bytes"
    taker.taken += count
    return not taker.wrong and taker.taken < taker.size


def loiter(port: int, sent: bytes) -> socket.socket:
    """A client that sends this much and then neither asks nor reads; the caller closes it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    if sent:
        sock.sendall(sent)
    sock.setblocking(False)
    return sock


def idle(port: int, question: bytes) -> socket.socket:
    """A client that reads the short answer to its question, keeps the connection and asks nothing more."""
    sock = loiter(port, question)
    sock.settimeout(30)
    answer = sock.recv(_PIECE)
    while b"\r\n\r\n" not in answer:
        answer += sock.recv(_PIECE)
    sock.setblocking(False)
    return sock


def is_closed(sock: socket.socket) -> bool:
    """The cache has ended this connection."""
    try:
        while data := sock.recv(65_536):
            del data
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
