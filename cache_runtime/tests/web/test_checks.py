"""The four kinds of health checks against things that are well, broken, slow or absent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.ports import free_port
from dtr_content_cache.settings.model import HttpCheck, TcpCheck
from dtr_content_cache.values.failures import StorageBroken
from dtr_content_cache.web import checks
from dtr_content_cache.web.checks import file_question, http_question, storage_question, tcp_question


def with_server(answer: bytes | None, ask_at: Callable[[int], checks.Question]) -> tuple[str | None, bytes]:
    """Ask a server that sends `answer` to whatever comes (None: never answers). The reason, and what it was sent."""

    async def story() -> tuple[str | None, bytes]:
        received = bytearray()
        leaving = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if answer is None:
                await leaving.wait()
            else:
                received.extend(await reader.readuntil(b"\r\n\r\n"))
                writer.write(answer)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            reason = await asyncio.wait_for(ask_at(server.sockets[0].getsockname()[1])(), 10)
            leaving.set()
        return reason, bytes(received)

    return asyncio.run(story())


def http_at(port: int, status: int = 200, timeout_s: float = 5) -> checks.Question:
    return http_question(HttpCheck(f"http://127.0.0.1:{port}/well?x=1", (("X-Key", "k"),), status, timeout_s, 10, 3))


def test_an_http_check_asks_by_head_with_its_headers() -> None:
    reason, asked = with_server(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", http_at)
    assert reason is None
    assert asked.startswith(b"HEAD /well?x=1 HTTP/1.1\r\n")
    assert b"X-Key: k\r\n" in asked


@pytest.mark.parametrize("status", [204, 301, 404, 500, 503])
def test_an_http_check_wants_the_status_it_was_told_and_follows_nothing(status: int) -> None:
    answer = f"HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n".encode()
    assert with_server(answer, http_at)[0] == f"answered {status}, wanted 200"
    assert with_server(answer, lambda port: http_at(port, status))[0] is None


def test_an_http_check_of_somebody_who_does_not_answer_ends_in_time() -> None:
    assert with_server(None, lambda port: http_at(port, timeout_s=0.1))[0] == "no answer within 0.1s"


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"", b"HTTP/1.1 200"])
def test_an_http_check_of_nonsense_is_a_reason(answer: bytes) -> None:
    reason, _ = with_server(answer, http_at)
    assert reason is not None
    assert "\n" not in reason


def test_an_http_check_of_a_closed_port_is_a_reason() -> None:
    assert asyncio.run(http_at(free_port())()) == "no answer: Connection refused"


def test_a_tcp_check_is_content_with_a_connection() -> None:
    def ask_at(port: int) -> checks.Question:
        return tcp_question(TcpCheck(f"127.0.0.1:{port}", 5, 10, 3))

    assert with_server(None, ask_at)[0] is None


def test_a_tcp_check_names_the_address_that_refuses() -> None:
    address = f"127.0.0.1:{free_port()}"
    reason = asyncio.run(tcp_question(TcpCheck(address, 5, 10, 3))())
    assert reason == f"connection to {address} failed: Connection refused"


def test_a_tcp_check_of_an_unknown_host_is_a_reason() -> None:
    reason = asyncio.run(tcp_question(TcpCheck("nowhere.invalid:443", 5, 10, 3))())
    assert reason == "connection to nowhere.invalid:443 failed: the name cannot be resolved"


def test_a_tcp_check_understands_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def connect(host: str, port: int):
        asked.append((host, port))
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(asyncio, "open_connection", connect)
    assert asyncio.run(tcp_question(TcpCheck("[2001:db8::1]:443", 5, 10, 3))()) is not None
    assert asked == [("2001:db8::1", 443)]


def test_a_file_check_is_the_operators_switch(tmp_path: Path) -> None:
    switch = tmp_path / "out-of-service"
    assert asyncio.run(file_question(switch)()) is None
    switch.touch()
    assert asyncio.run(file_question(switch)()) == "file exists"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StorageBroken("writing: EIO"), "writing: EIO"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_the_volumes_own_words_are_the_reason(error: Exception, reason: str) -> None:
    def probe() -> None:
        raise error

    assert asyncio.run(storage_question(probe)()) == reason
    assert asyncio.run(storage_question(lambda: None)()) is None


def test_a_volume_that_hangs_holds_up_neither_the_loop_nor_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_PROBE_TIMEOUT_S", 0.4)
    hung = threading.Event()

    async def story() -> str | None:
        asking = asyncio.ensure_future(storage_question(lambda: hung.wait(10) and None)())
        turns = 0
        while not asking.done():
            await asyncio.sleep(0.005)
            turns += 1
        hung.set()
        assert turns > 3
        return asking.result()

    assert asyncio.run(story()) == "the volume did not answer within 0s"
