"""How a file leaves: byte for byte, at the client's pace, without a buffer, and never longer than the file is good."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import random
import resource
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.certificates import Authority, plain_server
from doubles.running_cache import eventually
from doubles.served_site import ServedSite, exchange, served_site, until_closed
from dtr_content_cache.web import early_loop
from dtr_content_cache.web.client_stream import ClientStream, ClientTlsStream

LAST = b"Host: cache\r\nConnection: close\r\n\r\n"
ASK = b"GET /file HTTP/1.1\r\n" + LAST
SIZES = [0, 1, 65_535, 65_536, 65_537, 1_048_577, 9_000_001]


@pytest.fixture(params=["plain", "tls"])
def context(request: pytest.FixtureRequest, tmp_path: Path) -> ssl.SSLContext | None:
    return plain_server(*Authority("ours").issue(tmp_path)) if request.param == "tls" else None


def connected(server: ServedSite, context: ssl.SSLContext | None, receive_buffer: int | None = None):
    sock = server.connect(receive_buffer)
    if context is None:
        return sock
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    return client.wrap_socket(sock)


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def pulled(server: ServedSite, context: ssl.SSLContext | None) -> bytes:
    with connected(server, context) as sock:
        sock.sendall(ASK)
        return body(until_closed(sock))


@pytest.mark.parametrize("size", SIZES)
def test_the_body_is_the_file(tmp_path: Path, context: ssl.SSLContext | None, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(random.Random(size).randbytes(size))
    with served_site(context, file=file) as server:
        assert pulled(server, context) == file.read_bytes()


@pytest.fixture
def big(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "big"
    file.write_bytes(random.Random(1).randbytes(1 << 20) * 32)
    yield file
    file.unlink()


def test_a_slow_reader_gets_the_same_bytes_and_costs_no_memory(big: Path, context: ssl.SSLContext | None) -> None:
    with served_site(context, file=big) as server, connected(server, context, receive_buffer=4096) as sock:
        sock.sendall(ASK)
        first = sock.recv(1000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seen = hashlib.sha256()
        data = first.partition(b"\r\n\r\n")[2]
        while data:
            seen.update(data)
            data = sock.recv(65536)
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    with big.open("rb") as file:
        assert seen.hexdigest() == hashlib.file_digest(file, "sha256").hexdigest()
    assert grown_kib < 16 * 1024


def test_a_reader_that_takes_everything_at_once_leaves_turns_to_the_others(
    big: Path, context: ssl.SSLContext | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No write ever waits: then only the stream itself can let go of the loop."""
    monkeypatch.setattr(os, "sendfile", lambda out, fd, offset, count: count)
    monkeypatch.setattr(ssl.SSLSocket, "send", lambda sock, data: len(data))

    async def run() -> int:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        stream: ClientStream | ClientTlsStream = ClientStream(ours)
        if context is not None:
            secure = context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False)
            stream = ClientTlsStream(secure)
        turns = 0

        def count() -> None:
            nonlocal turns
            turns += 1
            asyncio.get_running_loop().call_soon(count)

        count()
        with big.open("rb") as file:
            await stream.send_file(b"", file.fileno(), 0, 32 << 20)
        stream.close()
        theirs.close()
        return turns

    assert early_loop.run(run()) >= 8


def test_a_file_that_was_truncated_breaks_the_answer_off(tmp_path: Path, context: ssl.SSLContext | None) -> None:
    for size in (1000, 3_000_000):
        file = tmp_path / "file"
        file.write_bytes(b"x" * size)
        with served_site(context, file=file, promised=size + 1) as server:
            assert len(pulled(server, context)) <= size
            eventually(lambda: server.site.ended == ["/file broken off"])


@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_a_file_that_cannot_be_read_is_the_files_failure_not_the_clients(
    tmp_path: Path, context: ssl.SSLContext | None, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "EIO")

    file = tmp_path / "file"
    file.write_bytes(b"x" * size)
    with served_site(context, file=file) as server:
        monkeypatch.setattr(os, "pread", broken)
        monkeypatch.setattr(os, "preadv", broken)
        monkeypatch.setattr(os, "sendfile", broken)
        assert pulled(server, context) == b""

        eventually(lambda: any("FileFailed" in getattr(event, "traceback", "") for event in server.events))


def test_a_client_that_resets_in_the_middle_ends_only_its_own_answer(big: Path, context: ssl.SSLContext | None) -> None:
    with served_site(context, file=big) as server:
        for _ in range(5):
            with connected(server, context) as sock:
                sock.sendall(ASK)
                sock.recv(1000)
        eventually(lambda: server.site.ended.count("/file broken off") == 5)
        eventually(lambda: server.listener.connections == 0)

        assert len(pulled(server, context)) == 32 << 20
        assert server.events == []


def test_a_reader_that_pipelines_while_it_reads_gets_both_answers(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 5_000_000)
    with served_site(file=file) as server:
        answer = exchange(server.address, b"GET /file HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\n" + LAST)

    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith(b"GET /next")
    assert answer.count(b"x") >= 5_000_000
