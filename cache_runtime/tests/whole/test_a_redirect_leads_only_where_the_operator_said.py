"""An upstream may keep its blobs elsewhere: `redirecthosts` names where, and nothing else is ever asked, least of all
with a grant or a header that belongs to the upstream."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from doubles.inner_cache import InnerCache, inner_cache
from doubles.upstream import Answering, Upstream
from dtr_content_cache.delivery import attempts

BLOB = b"kept elsewhere" * 5000


class Elsewhere(ThreadingHTTPServer):
    """Object storage: serves BLOB below /kept, redirects /loop to itself; `asked` is what it heard."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        if self.path.startswith("/loop"):
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/loop")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BLOB)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(BLOB)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)
    server = Elsewhere()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


def _redirecting(upstream: Upstream, cache: InnerCache, location: str) -> int:
    def fault(answering: Answering) -> None:
        answering.head("307 Temporary Redirect", Location=location, Content_Length=0)

    digest = upstream.add(BLOB)
    upstream.always = fault
    answer = cache.get(digest, upstream.grant(digest), headers={"Authorization": "Bearer of-the-client"})
    assert answer.status_code != 200 or answer.content == BLOB
    return int(answer.status_code)


def test_a_blob_is_fetched_from_a_named_host_without_grant_or_credentials(
    tmp_path: Path, upstream: Upstream, elsewhere: Elsewhere
) -> None:
    host = f"127.0.0.1:{elsewhere.server_port}"
    with inner_cache(tmp_path, [upstream.url], redirecthosts=[host]) as cache:
        assert _redirecting(upstream, cache, f"http://{host}/kept?signature=of-the-storage") == 200

    [(path, headers)] = elsewhere.asked
    assert path == "/kept?signature=of-the-storage"
    assert "grant" not in path + str(headers)
    assert "authorization" not in headers
    assert headers["host"] == host


PLACES = (
    "http://127.0.0.1:{port}/kept",
    "http://localhost:{port}/kept",
    "http://[::1]:{port}/kept",
    "http://0x7f.1:{port}/kept",
    "http://2130706433:{port}/kept",
    "http://127.1:{port}/kept",
    "//127.0.0.1:{port}/kept",
    "/kept",
    "kept",
    "http://storage.test@127.0.0.1:{port}/kept",
    "http://storage.test:{port}@127.0.0.1:{port}/kept",
    "http://storage.test#@127.0.0.1:{port}/kept",
    "http://storage.test\\@127.0.0.1:{port}/kept",
    "http://storage.test.127.0.0.1:{port}/kept",
    "http://127.0.0.1:{port}/storage.test",
    "HTTP://127.0.0.1:{port}/kept",
    "https://127.0.0.1:{port}/kept",
    "ftp://storage.test/kept",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "javascript:alert(1)",
    "data:text/plain,x",
    "http://",
    "http:///kept",
    "http://127.0.0.1:99999/kept",
    "http://127.0.0.1:-1/kept",
    "http://[::1/kept",
    "http://169.254.169.254/latest/meta-data/",
    "http://\t127.0.0.1:{port}/kept",
    "",
)


@pytest.mark.parametrize("place", PLACES)
def test_no_other_place_is_ever_asked(tmp_path: Path, upstream: Upstream, elsewhere: Elsewhere, place: str) -> None:
    with inner_cache(tmp_path, [upstream.url], redirecthosts=["storage.test"]) as cache:
        assert _redirecting(upstream, cache, place.format(port=elsewhere.server_port)) == 503

    assert elsewhere.asked == []


def test_without_redirecthosts_the_operator_is_told_what_to_name(
    tmp_path: Path, upstream: Upstream, elsewhere: Elsewhere
) -> None:
    with inner_cache(tmp_path, [upstream.url]) as cache:
        assert _redirecting(upstream, cache, f"http://127.0.0.1:{elsewhere.server_port}/kept") == 503
        reasons = [event.reason for event in cache.events if type(event).__name__ == "UpstreamFailed"]

    assert "a redirect to '127.0.0.1', which redirecthosts does not name" in reasons
    assert elsewhere.asked == []


def test_a_circle_of_redirects_ends(tmp_path: Path, upstream: Upstream, elsewhere: Elsewhere) -> None:
    host = f"127.0.0.1:{elsewhere.server_port}"
    with inner_cache(tmp_path, [upstream.url], redirecthosts=[host]) as cache:
        assert _redirecting(upstream, cache, f"http://{host}/loop") == 503

    assert 1 <= len(elsewhere.asked) <= 20
