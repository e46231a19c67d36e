"""For a client of a large answer the kernel holds little more than its line can use."""

from __future__ import annotations

import math
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.running_cache import eventually
from doubles.served_site import served_site, until_closed
from dtr_content_cache.web import send_buffer
from dtr_content_cache.web.untaken import untaken_bytes


@pytest.fixture
def line() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"x")
            assert accepted.recv(1) == b"x"
            yield accepted


class Far:
    """A socket as the kernel tells of it, but for the round trip."""

    family = socket.AF_INET

    def __init__(self, told: bytes, refused: int = 0) -> None:
        self.told, self.refused = told, refused
        self.set: dict[int, int] = {}

    def getsockopt(self, level: int, option: int, length: int) -> bytes:
        return self.told[:length]

    def setsockopt(self, level: int, option: int, value: int) -> None:
        if option == self.refused:
            raise OSError(92, "Protocol not available")
        self.set[option] = value


def told(rtt_us: int) -> bytes:
    return bytes(68) + struct.pack("I", rtt_us) + bytes(100)


def test_a_client_beside_us_is_held_little(line: socket.socket) -> None:
    assert send_buffer.fit(line, 1 << 30) == math.inf

    assert line.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * send_buffer.BUFFER_BYTES
    assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == send_buffer.UNSENT_BYTES
    rtt_us = struct.unpack_from("I", line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 68)[0]
    assert 0 < rtt_us < 1_000_000  # where we read it there is a round trip


@pytest.mark.parametrize(
    ("kernel", "bounded"),
    [(told(1000), True), (told(1001), False), (told(40_000), False), (bytes(60), False)],
    ids=["short", "just too long", "across the country", "a kernel that does not say"],
)
def test_only_a_short_lines_buffer_is_bounded_and_on_every_line_what_is_unsent(kernel: bytes, bounded: bool) -> None:
    far = Far(kernel)

    assert send_buffer.fit(far, 1 << 30) == math.inf  # type: ignore[arg-type]

    assert (socket.SO_SNDBUF in far.set) is bounded
    assert far.set[socket.TCP_NOTSENT_LOWAT] == send_buffer.UNSENT_BYTES


@pytest.mark.parametrize("refused", [socket.TCP_NOTSENT_LOWAT, socket.SO_SNDBUF])
def test_a_kernel_that_refuses_is_not_asked_again(refused: int) -> None:
    assert send_buffer.fit(Far(told(10), refused), 1 << 30) == math.inf  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("length", "enough_for", "options"),
    [
        (send_buffer.LARGE_BYTES, send_buffer.LARGE_BYTES, set()),
        (send_buffer.LARGE_BYTES + 1, send_buffer.LARGEST_BYTES, {socket.TCP_NOTSENT_LOWAT}),
        (send_buffer.LARGEST_BYTES, send_buffer.LARGEST_BYTES, {socket.TCP_NOTSENT_LOWAT}),
        (send_buffer.LARGEST_BYTES + 1, math.inf, {socket.TCP_NOTSENT_LOWAT, socket.SO_SNDBUF}),
    ],
)
def test_what_is_done_follows_from_the_answers_length(length: int, enough_for: float, options: set[int]) -> None:
    far = Far(told(10))

    assert send_buffer.fit(far, length) == enough_for  # type: ignore[arg-type]

    assert set(far.set) == options


def test_a_unix_socket_has_no_line() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        before = ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        assert send_buffer.fit(ours, 1 << 30) == math.inf
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == before


@pytest.mark.parametrize(
    ("sizes", "asked"),
    [
        ([1000, send_buffer.LARGE_BYTES], []),
        ([3_000_000, 2_000_000, 3_000_000], [3_000_000]),
        ([3_000_000, 9_000_000, 9_000_000, 20_000_000], [3_000_000, 9_000_000]),
    ],
)
def test_a_connection_is_fitted_when_its_answers_get_larger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sizes: list[int], asked: list[int]
) -> None:
    fitted: list[int] = []
    fit = send_buffer.fit
    monkeypatch.setattr(send_buffer, "fit", lambda sock, length: fitted.append(length) or fit(sock, length))
    file = tmp_path / "file"
    with served_site(file=file) as server, server.connect() as sock, sock.makefile("rb") as answers:
        for size in sizes:
            file.write_bytes(b"x" * size)
            sock.sendall(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
            while answers.readline() != b"\r\n":
                pass
            assert len(answers.read(size)) == size

    assert fitted == asked


def test_who_follows_a_fill_is_left_as_he_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[int] = []
    monkeypatch.setattr(send_buffer, "fit", lambda sock, length: fitted.append(length) or 0)
    file = tmp_path / "file"
    file.write_bytes(b"x" * 3_000_000)
    with served_site(file=file, promised=3_000_000) as server, server.connect() as sock:  # sent without a verdict
        sock.sendall(b"GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert until_closed(sock).count(b"x") == 3_000_000

    assert fitted == []


def test_a_client_that_does_not_read_holds_little(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 30_000_000)
    with served_site(file=file) as server, server.connect(receive_buffer=4096) as sock:
        sock.sendall(b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n")
        sock.recv(1)
        (connection,) = server.call(lambda: list(server.listener._connections.values()))
        eventually(lambda: connection.stream.waits_for_client)

        assert untaken_bytes(connection.stream.socket) < 2 * send_buffer.BUFFER_BYTES
