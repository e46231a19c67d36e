"""Very many clients in one thread: healthy ones that pull and check, and those that are no good. For load campaigns.

Rule for editors: an answer is judged where it is read; nothing here keeps a body longer than it takes to hash it.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from dataclasses import dataclass, field

_PIECE = 256 * 1024


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


def loiter(port: int, sent: bytes) -> socket.socket:
    """A client that sends this much and then neither asks nor reads; the caller closes it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    if sent:
        sock.sendall(sent)
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
