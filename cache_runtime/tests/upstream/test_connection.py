"""One connection to an upstream: failures in words, and an end from another thread that never looks like data."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from doubles.certificates import Authority, plain_server
from doubles.ports import free_port
from doubles.running_cache import eventually
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream.connection import Connection
from dtr_content_cache.upstream.response_head import HopFailed


def _pair() -> tuple[Connection, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    return Connection(ours), theirs


def _open(scheme: str, host: str, port: int, context: ssl.SSLContext | None = None) -> Connection:
    return Connection.open(Upstream(scheme, host, port), context or ssl.create_default_context(), 2.0)


def test_a_refused_connection_is_said_in_words() -> None:
    with pytest.raises(HopFailed, match="no connection: Connection refused"):
        _open("http", "127.0.0.1", free_port())


def test_a_name_that_nobody_knows_is_said_in_words() -> None:
    with pytest.raises(HopFailed, match="the name cannot be resolved"):
        _open("http", "no-such-host.invalid", 80)


def _tls_server(folder: Path, host: str, name: str = "server") -> tuple[int, Authority, list[socket.socket]]:
    """A TLS server that accepts one client and then says whatever the test writes to the socket in the list."""
    authority = Authority("CA")
    context = plain_server(*authority.issue(folder, host, name=name))
    listener, accepted = socket.create_server(("127.0.0.1", 0)), []

    def serve() -> None:
        with listener:
            plain, _ = listener.accept()
            try:
                accepted.append(context.wrap_socket(plain, server_side=True))
            except OSError:
                plain.close()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1], authority, accepted  # type: ignore[return-value]


def _trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.pem.decode())


def test_an_authority_that_is_not_ours_and_a_name_that_is_not_the_hosts_are_refused(tmp_path: Path) -> None:
    port, _, _ = _tls_server(tmp_path, "localhost")
    with pytest.raises(HopFailed, match="its certificate is not accepted") as raised:
        _open("https", "localhost", port)
    assert raised.value.tls

    port, authority, _ = _tls_server(tmp_path, "other.test")
    with pytest.raises(HopFailed, match="its certificate is not accepted"):
        _open("https", "localhost", port, _trusting(authority))


def test_a_server_that_speaks_no_tls_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            client, _ = listener.accept()
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            client.close()

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(HopFailed, match="the TLS handshake failed"):
            _open("https", "127.0.0.1", port)


def test_ending_a_tls_transfer_from_another_thread_never_gives_ciphertext_for_the_body(tmp_path: Path) -> None:
    port, authority, accepted = _tls_server(tmp_path, "localhost")
    connection = _open("https", "localhost", port, _trusting(authority))
    eventually(lambda: accepted)
    accepted[0].sendall(b"A" * 400_000)
    view = memoryview(bytearray(1000))
    assert connection.read_into(view) > 0

    connection.abort()
    taken = bytearray()
    try:
        while count := connection.read_into(view):
            taken += view[:count]
    except HopFailed:
        pass

    assert set(taken) <= {ord("A")}
    connection.close()


@pytest.mark.parametrize("tls", [False, True])
def test_a_thread_that_waits_is_woken(tmp_path: Path, tls: bool) -> None:
    if tls:
        port, authority, accepted = _tls_server(tmp_path, "localhost")
        connection = _open("https", "localhost", port, _trusting(authority))
        eventually(lambda: accepted)
    else:
        connection, _theirs = _pair()
    ended: list[object] = []

    def wait() -> None:
        try:
            ended.append(connection.read_into(memoryview(bytearray(10))))
        except HopFailed as failure:
            ended.append(failure)

    waiting = threading.Thread(target=wait)
    waiting.start()
    began = time.monotonic()
    while waiting.is_alive():
        connection.abort()
        waiting.join(0.01)

    assert time.monotonic() - began < 1.5
    assert ended == [0] or isinstance(ended[0], HopFailed)
    connection.close()
    connection.abort()  # after the end it is nothing


def test_interim_answers_are_passed_over_a_few_times() -> None:
    connection, theirs = _pair()
    theirs.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n")
    assert connection.read_head() == b"HTTP/1.1 200 OK\r\nX: y"

    theirs.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 20)
    with pytest.raises(HopFailed, match="interim"):
        connection.read_head()


def test_a_head_without_end_is_bounded() -> None:
    connection, theirs = _pair()
    threading.Thread(target=lambda: theirs.sendall(b"x" * 100_000), daemon=True).start()

    with pytest.raises(HopFailed, match="more than 64 KiB"):
        connection.read_head()


def test_an_idle_connection_looks_dead_as_soon_as_anything_has_come() -> None:
    connection, theirs = _pair()
    assert connection.looks_alive()
    theirs.sendall(b"x")
    assert not connection.looks_alive()
    theirs.close()
    assert not connection.looks_alive()


@pytest.mark.parametrize(
    ("arrived", "after", "expected"),
    [
        (b"\r\n5\r\n", 2, True),
        (b"\r\n5", 2, False),
        (b"\r\n0\r\n\r\n", 2, False),
        (b"5\r\n", 0, True),
        (b"\r\n", 2, False),
    ],
)
def test_whether_a_further_chunk_can_be_read_without_waiting(arrived: bytes, after: int, expected: bool) -> None:
    connection, theirs = _pair()
    theirs.sendall(b"H\r\n\r\n" + arrived)
    connection.read_head()

    assert connection.has_chunk_header(after) is expected


class _Slicing:
    """A TLS server whose ciphertext leaves when and as far as the test says."""

    def __init__(self, folder: Path) -> None:
        authority = Authority("CA")
        context = plain_server(*authority.issue(folder, "localhost"))
        self._incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self.outgoing, server_side=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            shaking = threading.Thread(target=self._shake_hands, args=(listener,))
            shaking.start()
            self.client = _open("https", "localhost", port, _trusting(authority))
            shaking.join(10)

    def _shake_hands(self, listener: socket.socket) -> None:
        self.sock, _ = listener.accept()
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.sock.sendall(self.outgoing.read())
                self._incoming.write(self.sock.recv(65536))
        self.sock.sendall(self.outgoing.read())

    def encrypted(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.outgoing.read()


RECORD = 16 * 1024


def test_of_what_has_come_over_tls_all_whole_records_are_taken_at_once_and_nothing_is_waited_for(
    tmp_path: Path,
) -> None:
    server, view = _Slicing(tmp_path), memoryview(bytearray(1 << 20))
    sent = b"".join(server.encrypted(bytes([65 + number]) * RECORD) for number in range(4))
    server.sock.sendall(sent[:-100])
    _arrived(server.client, len(sent) - 100)

    assert server.client.read_into(view) == 3 * RECORD
    assert bytes(view[: 3 * RECORD]) == b"A" * RECORD + b"B" * RECORD + b"C" * RECORD
    server.sock.sendall(sent[-100:])
    assert server.client.read_into(view) == RECORD
    server.client.close()


def test_what_breaks_behind_whole_records_takes_none_of_them_along(tmp_path: Path) -> None:
    server, view = _Slicing(tmp_path), memoryview(bytearray(1 << 20))
    sent = server.encrypted(b"A" * RECORD) + server.encrypted(b"B" * RECORD)
    broken = bytearray(server.encrypted(b"C" * RECORD))
    broken[100] ^= 1
    server.sock.sendall(sent + bytes(broken))
    _arrived(server.client, len(sent) + len(broken))

    assert server.client.read_into(view) == 2 * RECORD
    with pytest.raises(HopFailed, match="the connection broke"):
        server.client.read_into(view)
    server.client.close()


def test_after_records_taken_together_a_silence_still_ends_by_the_stall_timeout(tmp_path: Path) -> None:
    server, view = _Slicing(tmp_path), memoryview(bytearray(1 << 20))
    server.client.set_stall_timeout(0.2)
    server.sock.sendall(server.encrypted(b"A" * RECORD))

    assert server.client.read_into(view) == RECORD
    with pytest.raises(HopFailed, match="no byte for"):
        server.client.read_into(view)
    server.client.close()


def _arrived(connection: Connection, count: int) -> None:
    """Wait until so much ciphertext lies in the client's kernel."""
    sock = connection._sock
    eventually(lambda: len(socket.socket.recv(sock, count, socket.MSG_PEEK | socket.MSG_DONTWAIT)) == count)
