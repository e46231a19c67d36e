"""Our listener and connections around a site of a few addresses, in a thread; and a client that sends exact bytes."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dtr_content_cache.storage import identity_of
from dtr_content_cache.values.events import Event
from dtr_content_cache.web import early_loop
from dtr_content_cache.web.answers import Answer, head_bytes
from dtr_content_cache.web.connection import Connection
from dtr_content_cache.web.listener import Listener
from dtr_content_cache.web.parcel import FileFailed
from dtr_content_cache.web.request_head import Request


@dataclass
class TableSite:
    """`/file` sends `file`, `/wait` answers when `go` is set, `/fault` breaks, everything else echoes its method."""

    file: Path | None = None
    promised: int | None = None  # more than the file has, for a file that somebody truncated
    draining: bool = False
    seen: list[Request] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.go = asyncio.Event()

    def begin(self, data: bytes, connection: Connection) -> None:
        return None

    def extra_headers(self) -> tuple[tuple[str, str], ...]:
        return ()

    async def answer(self, request: Request, connection: Connection) -> None:
        self.seen.append(request)
        how = "broken off"
        try:
            if request.path == "/file":
                await self._send_file(connection)
            elif request.path == "/fault":
                raise ValueError("a bug")
            else:
                if request.path == "/wait":
                    await self.go.wait()
                body = f"{request.method} {request.path}".encode()
                await connection.write(Answer(200, body), bodiless=request.bodiless_answer)
            how = "complete"
        finally:
            self.ended.append(f"{request.path} {how}")

    async def _send_file(self, connection: Connection) -> None:
        assert self.file is not None
        fd = os.open(self.file, os.O_RDONLY)
        try:
            length = self.promised or self.file.stat().st_size
            head = head_bytes(200, (), length, close=not connection.keep_alive)
            await connection.stream.send_file(head, fd, 0, length, None if self.promised else identity_of(os.fstat(fd)))
        except FileFailed:
            connection.cut()
            raise
        finally:
            os.close(fd)


class ServedSite:
    def __init__(self, address: tuple[str, int], site: TableSite, listener: Listener, loop: Any) -> None:
        self.address, self.site, self.listener, self.loop = address, site, listener, loop
        self.events: list[Event] = []

    def call(self, function: Callable[[], Any]) -> Any:
        """`function`, on the loop; its result, awaited where it is a coroutine."""

        async def run() -> Any:
            result = function()
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(20)

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(10)
        sock.connect(self.address)
        return sock


def until_closed(sock: socket.socket) -> bytes:
    """Everything that still comes, until the other side ends or resets."""
    data = bytearray()
    try:
        while more := sock.recv(1 << 18):
            data += more
    except ConnectionResetError:
        pass
    return bytes(data)


def exchange(address: tuple[str, int], data: bytes) -> bytes:
    """Send exactly `data`; what comes back until the server ends the connection."""
    with socket.create_connection(address, 10) as sock:
        try:
            sock.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass
        return until_closed(sock)


@contextmanager
def served_site(context: ssl.SSLContext | None = None, **site_options: Any) -> Iterator[ServedSite]:
    ready: list[ServedSite] = []
    started = threading.Event()

    async def run() -> None:
        sock = socket.create_server(("127.0.0.1", 0), backlog=512)
        site = TableSite(**site_options)
        events: list[Event] = []
        listener = Listener([sock], site, lambda: context, events.append)
        served = ServedSite(sock.getsockname(), site, listener, asyncio.get_running_loop())
        served.events = events
        listener.start()
        served.stop = asyncio.Event()  # type: ignore[attr-defined]
        ready.append(served)
        started.set()
        await served.stop.wait()  # type: ignore[attr-defined]
        await listener.drain(0)

    thread = threading.Thread(target=early_loop.run, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(10)
    served = ready[0]
    try:
        yield served
    finally:
        served.loop.call_soon_threadsafe(served.stop.set)  # type: ignore[attr-defined]
        thread.join(10)
