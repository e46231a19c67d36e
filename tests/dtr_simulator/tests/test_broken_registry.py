"""A registry behind the simulator that misbehaves: what its clients see."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from dtr_simulator.running import running_simulator

DIGEST = "sha256:" + "c" * 64
BROKEN = "sha256:" + "d" * 64


class Registry(BaseHTTPRequestHandler):
    """Has every blob with 1000 bytes, sends ten of them; answers 500 for BROKEN; redirects manifests to a store."""

    def do_GET(self) -> None:
        self.close_connection = True
        if BROKEN in self.path:
            self.send_error(500)
        elif "/manifests/" in self.path:
            self._head(307, {"Location": "https://store.example/x?signature=1", "Content-Length": "0"})
        elif "/blobs/" in self.path:
            self._head(200, {"Content-Length": "1000"})
            if self.command == "GET":
                self.wfile.write(b"0123456789")
        else:
            self._head(200, {"Content-Length": "0"})

    do_HEAD = do_GET

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """The tests read answers, not logs."""


@pytest.fixture(scope="module")
def asking(client: Any) -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with running_simulator(registry=f"http://127.0.0.1:{server.server_port}") as simulator:
            yield type(client)(simulator)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_blob_that_breaks_off_is_cut_for_the_client_too(asking: Any) -> None:
    answer = asking.pull("GET", f"/v2/org/app/blobs/{DIGEST}", "alice", stream=True)
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "1000")
    with pytest.raises(requests.exceptions.RequestException):
        list(answer.iter_content(100))
    record = asking.simulator.requests(status=200, path=f"/v2/org/app/blobs/{DIGEST}")[0]
    assert record["completed"] is False
    # Its output arrives by a pipe, a moment after the answer.
    asking.simulator.process.wait_for(lambda line: "broke in the middle" in line)


def test_a_registry_that_fails_for_a_blob_is_503_not_404(asking: Any) -> None:
    answer = asking.pull("GET", f"/v2/org/app/blobs/{BROKEN}", "alice")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "UNAVAILABLE")


def test_a_redirect_to_the_registrys_own_store_is_passed_on_untouched(asking: Any) -> None:
    answer = asking.pull("GET", "/v2/org/app/manifests/1.0", "alice")
    assert (answer.status_code, answer.headers["Location"]) == (307, "https://store.example/x?signature=1")
