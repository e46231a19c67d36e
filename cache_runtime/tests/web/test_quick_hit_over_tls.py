"""The quick way to a hit, where the connection encrypts."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from doubles.certificates import Authority, plain_server
from doubles.running_cache import eventually
from doubles.served_site import until_closed
from doubles.warm_office import SIZES, SMALL, WarmOffice, answer_of
from dtr_content_cache.values.events import TlsFailed
from dtr_content_cache.web.listener import Listener


@pytest.fixture
def tls(office: WarmOffice, tmp_path: Path) -> Iterator[Callable[[], ssl.SSLSocket]]:
    """Connects to the same site by a listener that encrypts."""
    context = plain_server(*Authority("ours").issue(tmp_path))
    sock = socket.create_server(("127.0.0.1", 0))
    parts = office.cache.parts
    listener = office.cache.on_loop(lambda: Listener([sock], parts.site, lambda: context, parts.emit))
    office.cache.on_loop(listener.start)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    address = sock.getsockname()

    def connect() -> ssl.SSLSocket:
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        plain.settimeout(10)
        plain.connect(address)
        return client.wrap_socket(plain)

    yield connect
    ended = office.cache.on_loop(lambda: asyncio.ensure_future(listener.drain(0)))
    eventually(ended.done)
    parts.site.draining = False  # only this door was closed


def test_a_hit_over_tls_is_answered_at_once_and_byte_for_byte(
    office: WarmOffice, tls: Callable[[], ssl.SSLSocket]
) -> None:
    with office.counted() as counts, tls() as sock:
        for name in (*SIZES, *SIZES):
            sock.sendall(office.plain(name))
            head, body = answer_of(sock)
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert body == SIZES[name]
        eventually(lambda: counts == [2 * len(SIZES), 0])


def test_requests_in_one_piece_over_tls_are_answered_in_their_order(
    office: WarmOffice, tls: Callable[[], ssl.SSLSocket]
) -> None:
    with tls() as sock:
        for name in ("small", "large", "small", "empty"):  # a record each, that may arrive together
            sock.sendall(office.plain(name))
        sock.sendall(office.last())
        answer = until_closed(sock)

    assert answer.count(b"HTTP/1.1 200 OK") == 5
    assert answer.endswith(SMALL)
    assert answer.count(SMALL) == 3


@contextmanager
def held_loop(office: WarmOffice) -> Iterator[None]:
    """Whatever happens meanwhile, the cache hears of all of it at once."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        let_go.wait(10)

    holder = threading.Thread(target=office.cache.on_loop, args=(hold,))
    holder.start()
    held.wait(10)
    try:
        yield
    finally:
        let_go.set()
        holder.join()


def test_an_answer_at_hand_does_not_overtake_one_that_is_not(
    office: WarmOffice, tls: Callable[[], ssl.SSLSocket]
) -> None:
    unusual = office.plain("middle").replace(b"\r\n\r\n", b"\r\nIf-Match: *\r\n\r\n")
    with tls() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or the second waits for the first one's arrival
        sock.sendall(office.plain("small"))
        answer_of(sock)
        with held_loop(office):
            sock.sendall(unusual)
            sock.sendall(office.plain("small"))
        sock.sendall(office.last("empty"))
        answer = until_closed(sock)

    asked = re.findall(rb"Docker-Content-Digest: (\S+)", answer)
    assert [digest.decode() for digest in asked] == [office.digests[name] for name in ("middle", "small", "empty")]


def test_a_client_that_asks_and_resets_is_no_bug(
    office: WarmOffice, tls: Callable[[], ssl.SSLSocket], caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("small", "middle", "large"):
        sock = tls()
        sock.sendall(office.plain("small"))
        answer_of(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with held_loop(office):
            sock.sendall(office.plain(name))
            sock.close()
    with tls() as sock:
        sock.sendall(office.last())
        assert until_closed(sock).endswith(SMALL)

    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def test_what_is_no_record_ends_the_connection_and_is_told(
    office: WarmOffice, tls: Callable[[], ssl.SSLSocket]
) -> None:
    """OpenSSL says it once: whoever looks at the input first must not be the only one to know."""
    with tls() as sock:
        sock.sendall(office.plain("small"))
        assert answer_of(sock)[1] == SMALL
        socket.socket.send(sock, b"no record of TLS at all")
        with pytest.raises(ssl.SSLError):
            sock.recv(100)

    eventually(lambda: [event for event in office.cache.events if isinstance(event, TlsFailed)])
