"""The client against a server whose every byte is known: what it counts must be what was sent."""

import http.server
import select
import ssl
import threading
from contextlib import contextmanager

import pytest
from dtr_simulator import certificates

from bench.client.connection import Broken, PlainConnection, read_head
from bench.client.pulls import closed_loop, once_each
from bench.client.slow import socket_memory_bytes, thin_lines
from bench.client.tls_connection import TlsConnection, context

SIZES = {"/small": 10, "/large": 3_000_000}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        size = SIZES.get(self.path)
        self.send_response(404 if size is None else 200)
        self.send_header("Content-Length", str(size or 0))
        self.end_headers()
        self.wfile.write(b"x" * (size or 0))

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _serving(tls: ssl.SSLContext | None = None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _connections(scheme, count, tmp_path):
    if scheme == "http":
        with _serving() as port:
            yield [PlainConnection("127.0.0.1", port) for _ in range(count)]
        return
    certificates.ensure_ca(tmp_path)
    pair = certificates.issue_server_certificate(tmp_path, ["127.0.0.1"])
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*pair)
    with _serving(served) as port:
        client = context(str(tmp_path / "ca.pem"))
        yield [TlsConnection("127.0.0.1", port, client) for _ in range(count)]


def _get(path):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("path", ["/small", "/large"])
def test_a_list_is_counted_to_the_byte(scheme, path, tmp_path):
    with _connections(scheme, 3, tmp_path) as connections:
        found = once_each(connections, [[_get(path)] * 4] * 3, [])
        for connection in connections:
            connection.sock.close()
    assert found["body_bytes"] == 12 * SIZES[path]
    assert found["requests"] == 12
    assert len(found["first_byte_s"]) == 12


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_loop_counts_whole_answers_and_their_bytes(scheme, tmp_path):
    with _connections(scheme, 2, tmp_path) as connections:
        found = closed_loop(connections, [_get("/small")], 0.1, [])
        for connection in connections:
            connection.sock.close()
    assert found["requests"] == len(found["whole_s"]) > 0
    # Answers may be under way when the window ends, one for each connection.
    assert 0 <= found["body_bytes"] - 10 * found["requests"] <= 20


def test_a_client_that_spins_tells_how_long_it_had_nothing_to_do(tmp_path):
    with _connections("http", 1, tmp_path) as connections:
        found = closed_loop(connections, [_get("/small")], 0.1, [], spins=True)
        connections[0].sock.close()
    assert found["requests"] == len(found["whole_s"]) > 0
    assert 0 < found["client_idle_s"] < found["seconds"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_answer_that_warms_counts_for_nothing_and_may_be_of_any_length(scheme, tmp_path):
    with _connections(scheme, 2, tmp_path) as connections:
        for connection in connections:
            connection.warm(_get("/large"))
        found = once_each(connections, [[_get("/small")] * 2] * 2, [])
        for connection in connections:
            connection.sock.close()
    assert (found["body_bytes"], found["requests"], len(found["whole_s"])) == (4 * SIZES["/small"], 4, 4)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_slow_readers_have_first_bytes_too(scheme, tmp_path):
    with _connections(scheme, 2, tmp_path) as connections:
        found = thin_lines(connections, [_get("/large")], 0.3, 64 * 1024, [])
        for connection in connections:
            connection.sock.close()
    assert len(found["first_byte_s"]) == 2
    assert 0 < found["body_bytes"] < 2 * SIZES["/large"]


def test_what_the_kernel_holds_for_sockets_is_read():
    assert socket_memory_bytes() % 4096 == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_answer_that_is_no_blob_stops_the_sample(scheme, tmp_path):
    with _connections(scheme, 1, tmp_path) as connections:
        with pytest.raises(Broken, match="404"):
            once_each(connections, [[_get("/nothing")]], [])
        connections[0].sock.close()


def test_a_large_first_answer_need_not_end_before_the_window_does(tmp_path):
    with _connections("https", 1, tmp_path) as connections:
        connections[0].ask(_get("/large"))
        while not connections[0].body_bytes:
            if select.select([connections[0].sock], [], [], 5)[0]:
                connections[0].receive(20_000)
        assert 0 < connections[0].body_bytes < SIZES["/large"]
        connections[0].sock.close()


def test_a_tls_answer_of_another_length_is_never_miscounted(tmp_path):
    with _connections("https", 1, tmp_path) as connections:
        with pytest.raises(Broken, match="longer than the one before"):
            once_each(connections, [[_get("/small"), _get("/large")]], [])
        connections[0].sock.close()


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 3",
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text\r\n\r\n",
])  # fmt: skip
def test_a_head_that_tells_no_blob_is_refused(head):
    with pytest.raises(Broken):
        read_head(head)


def test_the_length_is_found_among_headers_that_begin_alike():
    head = b"HTTP/1.1 206 Partial Content\r\nContent-Type: a\r\ncontent-length: 12\r\nContent-Range: b\r\n\r\n"
    assert read_head(head + b"rest") == (len(head), 12)
