"""One piece of many arrivals: patience where it was asked for, none where it was not, and what breaks comes later."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from dtr_content_cache.upstream.connection import Connection
from dtr_content_cache.upstream.gathering import FAST_BYTES, gather

LONG_S = 5.0


class _Line:
    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.ours.settimeout(LONG_S)
        self.view = memoryview(bytearray(1000))

    def gathered(self, patience_s: float) -> tuple[bytes, OSError | None]:
        count, broke = gather(self.ours, self.view, patience_s)
        assert self.ours.gettimeout() == LONG_S
        return bytes(self.view[:count]), broke


@pytest.fixture
def line() -> Iterator[_Line]:
    line = _Line()
    yield line
    line.ours.close()
    line.theirs.close()


def test_without_patience_what_is_here_is_taken_and_nothing_waited_for(line: _Line) -> None:
    assert line.gathered(0) == (b"", None)
    line.theirs.sendall(b"abc")
    assert line.gathered(0) == (b"abc", None)


def test_with_patience_what_comes_meanwhile_is_taken_along(line: _Line) -> None:
    def send_in_parts() -> None:
        for _ in range(10):
            line.theirs.sendall(b"x" * 100)

    sender = threading.Timer(0.01, send_in_parts)
    sender.start()

    assert line.gathered(LONG_S) == (b"x" * 1000, None)
    sender.join()


def test_patience_ends_even_where_bytes_keep_dripping(line: _Line) -> None:
    over = threading.Event()

    def drip() -> None:
        while not over.wait(0.002):
            line.theirs.sendall(b".")

    dripping = threading.Thread(target=drip)
    dripping.start()
    found, broke = line.gathered(0.05)
    over.set()
    dripping.join()

    assert (set(found) <= {ord(".")}, broke) == (True, None)
    assert 1 <= len(found) < 1000


def test_the_lines_end_ends_the_patience(line: _Line) -> None:
    line.theirs.sendall(b"last")
    line.theirs.close()

    assert line.gathered(LONG_S) == (b"last", None)


def test_what_breaks_behind_bytes_is_told_beside_them() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    ours.settimeout(LONG_S)
    breaking = threading.Timer(0.01, _reset, [theirs])
    breaking.start()
    count, broke = gather(ours, memoryview(bytearray(10)), LONG_S)
    breaking.join()
    ours.close()

    assert count == 0
    assert isinstance(broke, ConnectionResetError)


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    sock.close()


def test_a_bodys_first_bytes_are_not_waited_behind_however_fast_the_line_was_before(
    line: _Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtr_content_cache.upstream.connection.GATHERED_WITHIN_S", LONG_S)
    connection = Connection(line.ours)
    view = memoryview(bytearray(2 * FAST_BYTES))
    sender = threading.Thread(target=line.theirs.sendall, args=(b"f" * FAST_BYTES + b"HTTP/1.1 200 OK\r\n\r\n",))
    sender.start()
    taken = 0
    while taken < FAST_BYTES:
        taken += connection.read_into(view[: FAST_BYTES - taken])
    sender.join()
    connection.read_head()
    line.theirs.sendall(b"first")

    assert connection.read_into(view) == 5  # with the patience of a fast line it would end by the stall timeout


def test_on_a_line_that_was_fast_a_piece_is_filled_from_several_arrivals(
    line: _Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dtr_content_cache.upstream.connection.GATHERED_WITHIN_S", LONG_S)
    connection = Connection(line.ours)
    view = memoryview(bytearray(FAST_BYTES))
    line.theirs.sendall(b"1" * 1000)
    assert connection.read_into(view[:1000]) == 1000  # all that was asked for: there may be more
    line.theirs.sendall(b"2" * 1000)
    rest = threading.Timer(0.01, line.theirs.sendall, [b"3" * (FAST_BYTES - 1000)])
    rest.start()

    assert connection.read_into(view) == FAST_BYTES
    rest.join()
    assert bytes(view) == b"2" * 1000 + b"3" * (FAST_BYTES - 1000)
