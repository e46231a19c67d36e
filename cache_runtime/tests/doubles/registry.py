"""An OCI registry that decides by credentials, on a real socket, which a test can stop, limit and make peculiar.

It is no DTR: there are no grants and no discovery. `asked` is what it heard, in order.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: dict[str, str]

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")


class Registry:
    """`readers` are the `Authorization` values that may read, "" for everybody. `before(asked)` may answer in the
    registry's place: (status, headers, body), or None."""

    def __init__(self, readers: set[str] | None = None) -> None:
        self.readers = {""} if readers is None else readers
        self.challenge = 'Basic realm="test"'
        self.things: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.repository = "org/app"
        self.asked: list[Asked] = []
        self.before: Callable[[Asked], tuple[int, dict[str, str], bytes] | None] = lambda asked: None
        self._port = 0
        self.start()

    def start(self) -> None:
        """Come back, on the same port."""
        self._server = _Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def push(self, tag: str, layer: bytes) -> tuple[str, str]:
        """(digest of the manifest, digest of its layer)."""
        layer_digest = self._add(layer)
        named = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest, "size": len(layer)}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "layers": [named]}).encode()
        self.tags[tag] = self._add(manifest)
        return self.tags[tag], layer_digest

    def _add(self, data: bytes) -> str:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.things[digest] = data
        return digest

    def heard(self, part: str) -> list[str]:
        """The methods of what was asked about `part` of a path."""
        return [asked.method for asked in self.asked if part in asked.target]

    def answer(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(asked)
        special = self.before(asked)
        if special is not None:
            return special
        path = asked.target.partition("?")[0]
        if not self.readers & {"", asked.authorization}:
            return 401, {"WWW-Authenticate": self.challenge}, b'{"errors":[{"code":"UNAUTHORIZED"}]}'
        if path == "/v2/":
            return 200, {}, b"{}"
        kind, _, reference = path.removeprefix(f"/v2/{self.repository}/").partition("/")
        reference = self.tags.get(reference, reference) if kind == "manifests" else reference
        if kind not in ("manifests", "blobs") or reference not in self.things:
            return 404, {}, b'{"errors":[{"code":"NOT_FOUND"}]}'
        content_type = MANIFEST_TYPE if kind == "manifests" else "application/octet-stream"
        return 200, {"Content-Type": content_type, "Docker-Content-Digest": reference}, self.things[reference]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], registry: Registry) -> None:
        self.registry = registry
        self._open: set[object] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: object, client_address: object) -> None:
        self._open.add(request)
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def hang_up(self) -> None:
        for sock in self._open:
            try:
                sock.shutdown(2)  # type: ignore[attr-defined]
            except OSError:
                pass


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, fields, body = self.server.registry.answer(Asked(self.command, self.path, headers))
        wanted = headers.get("range", "")
        if status == 200 and wanted.startswith("bytes=") and "/blobs/" in self.path:
            first, _, last = wanted[6:].partition("-")
            whole, body = len(body), body[int(first) : int(last) + 1 if last else None]
            status, fields = 206, {**fields, "Content-Range": f"bytes {first}-{int(first) + len(body) - 1}/{whole}"}
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **fields}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass
