"""The door: accepts clients, wraps them in TLS, bounds how long each may keep us waiting, drains."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import traceback
from collections.abc import Callable

from tornado.netutil import bind_sockets, bind_unix_socket

from ..settings.model import Http
from ..values.events import Emit, Fault, TlsFailed
from .accepting import Accepting
from .client_stream import ClientStream, ClientTlsStream
from .connection import Connection, Site

_LOOK_AT_DEADLINES_EVERY_S = 1.0


def bind(http: Http) -> list[socket.socket]:
    """Raise OSError where the address cannot be had."""
    if http.network == "unix":
        return [bind_unix_socket(http.host, mode=0o666)]
    return bind_sockets(http.port, http.host or None, backlog=1024, reuse_port=False)


class Listener:
    """`context` gives the TLS context for the next connection, None for plain HTTP: a new certificate needs no
    restart."""

    def __init__(
        self, sockets: list[socket.socket], site: Site, context: Callable[[], ssl.SSLContext | None], emit: Emit
    ) -> None:
        self._accepting = [Accepting(sock, self._welcome, emit) for sock in sockets]
        self._site = site
        self._context = context
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._watch: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        return len(self._connections)

    def start(self) -> None:
        """Raise OSError where the kernel cannot watch a socket."""
        for accepting in self._accepting:
            accepting.start()
        self._watch = self._loop.create_task(self._keep_deadlines())

    def _welcome(self, client: socket.socket, address: object) -> None:
        try:
            client.setblocking(False)
            if client.family in (socket.AF_INET, socket.AF_INET6):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            name = str(address[0]) if isinstance(address, tuple) and address else "unix"
            context = self._context()
            if context is None:
                stream: ClientStream | ClientTlsStream = ClientStream(client)
            else:
                wrapped = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
                stream = ClientTlsStream(wrapped)
            connection = Connection(stream, name, self._site)
            task = connection.start()
            self._connections[task] = connection
            task.add_done_callback(self._ended)
        except OSError:
            client.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        connection = self._connections.pop(task, None)
        if connection is not None:
            self._tell_of_tls(connection)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._emit(Fault("connection", "".join(traceback.format_exception(error))))

    def _tell_of_tls(self, connection: Connection) -> None:
        """Who does not trust our certificate, or speaks something else, is told nothing by us: people look here."""
        error = connection.stream.error
        # One that only connects and leaves, as load balancers do, is no failure.
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            self._emit(TlsFailed(connection.client, (error.reason or "unknown").lower().replace("_", " ")))

    async def _keep_deadlines(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AT_DEADLINES_EVERY_S)
            now_s = self._loop.time()
            for connection in list(self._connections.values()):
                if connection.overdue(now_s):
                    connection.end()

    async def drain(self, timeout_s: float) -> int:
        """Accept nobody more, let transfers end, cut what is left after `timeout_s`. Returns how many were cut."""
        for accepting in self._accepting:
            sock = accepting.sock
            if sock.fileno() < 0:
                continue
            accepting.stop()
            if sock.family == socket.AF_UNIX:
                path = sock.getsockname()
                if isinstance(path, str) and os.path.exists(path):
                    os.unlink(path)
            sock.close()
        self._site.draining = True
        deadline = self._loop.time() + timeout_s
        while self._connections and self._loop.time() < deadline:
            for connection in list(self._connections.values()):
                connection.end_if_idle()
            await asyncio.wait(list(self._connections), timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
        cut = len(self._connections)
        for connection in list(self._connections.values()):
            connection.end()
        if self._connections:
            await asyncio.wait(list(self._connections), timeout=1)
        if self._watch is not None:
            self._watch.cancel()
        return cut
