"""An HTTP server that answers as a test tells it, bad manners included.

Owns real sockets on loopback and the record of what was asked. Knows nothing of DTR.
Rule: it never decides; a test's ``answer`` function does.
"""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


@dataclass
class Says:
    """What to answer. ``cut_after``: close the connection after that many bytes of the body. None of it is checked."""

    status: int = 200
    body: object = b""
    headers: dict = field(default_factory=dict)
    cut_after: int | None = None
    silent: bool = False  # close without a word

    def bytes(self):
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class QuietServer(ThreadingHTTPServer):
    """A client that leaves early is what some tests are about, not something to print."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class ScriptedServer:
    """``answer(Asked) -> Says`` is called for every request, in its own thread. ``tls``: (certificate, key) files."""

    def __init__(self, answer, tls=None):
        self.asked = []
        self._lock = threading.Lock()
        self._server = QuietServer(("127.0.0.1", 0), self._handler(answer))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def paths(self, method=None):
        """Paths of the requests so far, in order."""
        return [one.path for one in self.asked if method in (None, one.method)]

    def _handler(self, answer):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self):
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.command, parts.path, parts.query, dict(self.headers), body)
                with server._lock:
                    server.asked.append(asked)
                self._say(answer(asked))

            do_GET = do_POST = do_PATCH = do_DELETE = do_HEAD = _any

            def _say(self, says):
                if says.silent:
                    self.close_connection = True
                    return
                body = says.bytes()
                self.send_response(says.status)
                for name, value in {"Content-Length": str(len(body)), **says.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if says.cut_after is not None:
                    body, self.close_connection = body[: says.cut_after], True
                self.wfile.write(body)

            def log_message(self, *_args):
                pass

        return Handler
