"""The door: who comes in, what a crowd of slow ones costs the others, and how it closes."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import stat
import time
from pathlib import Path

import pytest
from doubles.certificates import Authority, plain_server
from doubles.running_cache import eventually
from doubles.served_site import ServedSite, exchange, served_site, until_closed
from dtr_content_cache.settings.model import Http
from dtr_content_cache.values.events import StorageTrouble, TlsFailed
from dtr_content_cache.web import early_loop
from dtr_content_cache.web.listener import Listener, bind

HOST = b"Host: cache\r\n"
LAST = HOST + b"Connection: close\r\n\r\n"


def http(network: str = "tcp", host: str = "127.0.0.1", port: int = 0) -> Http:
    return Http(network, host, port, "/", "", None, 1.0, ())


def ask(server: ServedSite, path: str = "/a") -> bytes:
    return exchange(server.address, f"GET {path} HTTP/1.1\r\n".encode() + LAST)


# -- a crowd ----------------------------------------------------------------------------------------------------------


def test_idle_and_slow_clients_by_the_hundred_do_not_slow_the_others(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 10_000_000)
    with served_site(file=file) as server:
        crowd = []
        try:
            for number in range(400):
                sock = server.connect(receive_buffer=4096)
                sock.sendall((b"", b"GET /a HT", b"GET /file HTTP/1.1\r\n" + HOST + b"\r\n")[number % 3])
                crowd.append(sock)
            eventually(lambda: server.listener.connections == 400)
            took = []
            for _ in range(50):
                began = time.perf_counter()
                assert ask(server).endswith(b"GET /a")
                took.append(time.perf_counter() - began)
        finally:
            for sock in crowd:
                sock.close()
        eventually(lambda: server.listener.connections == 0)

    assert sorted(took)[25] < 0.1


def test_after_a_crowd_has_left_no_descriptor_is_left(tmp_path: Path) -> None:
    with served_site() as server:
        ask(server)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            crowd = [server.connect() for _ in range(50)]
            for sock in crowd:
                sock.sendall(b"GET /wait HTTP/1.1\r\n" + HOST)
            for sock in crowd:
                sock.close()
        eventually(lambda: server.listener.connections == 0)

        eventually(lambda: len(os.listdir("/proc/self/fd")) <= before)


def test_without_descriptors_it_pauses_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted:
        """A listening socket whose accept has no descriptor for us three times."""

        def __init__(self, sock: socket.socket) -> None:
            self.sock, self.left = sock, 3

        def accept(self):
            if self.left:
                self.left -= 1
                raise OSError(errno.EMFILE, "EMFILE")
            return self.sock.accept()

        def __getattr__(self, name: str):
            return getattr(self.sock, name)

    with served_site() as server:
        accepting = server.listener._accepting[0]
        monkeypatch.setattr(accepting, "sock", Exhausted(accepting.sock))
        began = time.monotonic()

        assert ask(server).endswith(b"GET /a")
        assert 0.5 < time.monotonic() - began < 5
        assert server.events == [StorageTrouble("accepting a connection", "EMFILE")] * 3


def test_a_pause_that_the_kernel_has_no_memory_to_end_is_a_longer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but this brings the door back: a failure here would make the cache deaf for ever."""
    with served_site() as server:
        accepting, left = server.listener._accepting[0], [1, 2]
        add_reader = server.loop.add_reader

        def without_memory(fd: int, callback, *args) -> None:
            if left and fd == accepting.sock.fileno():
                left.pop()
                raise OSError(errno.ENOMEM, "ENOMEM")
            add_reader(fd, callback, *args)

        monkeypatch.setattr(server.loop, "add_reader", without_memory)
        server.call(lambda: accepting._pause(OSError(errno.EMFILE, "EMFILE")))

        assert ask(server).endswith(b"GET /a")
        assert [event.reason for event in server.events] == ["EMFILE", "ENOMEM", "ENOMEM"]


# -- TLS --------------------------------------------------------------------------------------------------------------


def test_each_connection_gets_the_certificate_of_its_time(tmp_path: Path) -> None:
    async def run() -> list[bytes]:
        contexts = [plain_server(*Authority("ours").issue(tmp_path, name=name)) for name in ("old", "new")]
        current = contexts[:1]
        sock = socket.create_server(("127.0.0.1", 0))
        from doubles.served_site import TableSite

        listener = Listener([sock], TableSite(), lambda: current[0], lambda event: None)
        listener.start()
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        seen = []
        _, first = await asyncio.open_connection(*sock.getsockname(), ssl=client)
        seen.append(first.get_extra_info("ssl_object").getpeercert(True))
        current[0] = contexts[1]
        _, second = await asyncio.open_connection(*sock.getsockname(), ssl=client)
        seen.append(second.get_extra_info("ssl_object").getpeercert(True))
        seen.append(first.get_extra_info("ssl_object").getpeercert(True))
        first.close()
        second.close()
        await listener.drain(0)
        return seen

    old, new, still_old = early_loop.run(run())

    assert old != new
    assert old == still_old


def test_a_client_that_does_not_speak_tls_is_ended_and_told_of(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    context = plain_server(*Authority("ours").issue(tmp_path))
    with served_site(context) as server:
        for data in (
            b"GET / HTTP/1.1\r\n" + LAST,
            b"\x00" * 100,
            b"\x16\x03\x01\x00\x07garbage",
        ):
            exchange(server.address, data)
        with server.connect() as silent:
            silent.close()
        eventually(lambda: server.listener.connections == 0)

        assert server.events == [
            TlsFailed("127.0.0.1", "http request"),
            TlsFailed("127.0.0.1", "wrong version number"),
            TlsFailed("127.0.0.1", "unexpected message"),
        ]
    said = capfd.readouterr()
    assert said.err == ""
    assert said.out == ""


# -- where it listens -------------------------------------------------------------------------------------------------


def test_a_taken_port_is_an_os_error_for_the_caller_to_tell() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        bind(http(port=taken.getsockname()[1]))


def test_no_host_is_every_interface() -> None:
    sockets = bind(http(host=""))

    assert socket.AF_INET in [sock.family for sock in sockets]
    for sock in sockets:
        sock.close()


def test_a_unix_socket_is_made_over_a_dead_ones_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def run() -> None:
        from doubles.served_site import TableSite

        sockets = bind(http("unix", str(path)))
        listener = Listener(sockets, TableSite(), lambda: None, lambda event: None)
        listener.start()
        assert stat.S_ISSOCK(path.stat().st_mode)
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"GET /a HTTP/1.1\r\n" + LAST)
        assert (await reader.read()).endswith(b"GET /a")
        writer.close()
        await listener.drain(1)

    early_loop.run(run())

    assert not path.exists()


# -- the end ----------------------------------------------------------------------------------------------------------


def test_draining_ends_idle_connections_at_once_and_lets_answers_end() -> None:
    with served_site() as server:
        idle, fresh, waiting = server.connect(), server.connect(), server.connect()
        idle.sendall(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n")
        idle.recv(65536)
        waiting.sendall(b"GET /wait HTTP/1.1\r\n" + HOST + b"\r\n")
        eventually(lambda: len(server.site.seen) == 2)

        drained = asyncio.run_coroutine_threadsafe(server.listener.drain(20), server.loop)
        assert idle.recv(1) == b""
        assert fresh.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        server.call(server.site.go.set)

        assert until_closed(waiting).endswith(b"GET /wait")
        assert drained.result(20) == 0


def test_what_does_not_end_in_time_is_cut_and_counted() -> None:
    with served_site() as server:
        waiting = [server.connect() for _ in range(3)]
        for sock in waiting:
            sock.sendall(b"GET /wait HTTP/1.1\r\n" + HOST + b"\r\n")
        eventually(lambda: len(server.site.seen) == 3)

        cut = asyncio.run_coroutine_threadsafe(server.listener.drain(0.3), server.loop).result(20)

        assert cut == 3
        assert [until_closed(sock) for sock in waiting] == [b""] * 3
        assert server.site.ended == ["/wait broken off"] * 3


def test_a_slow_reader_may_finish_while_it_drains(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 20_000_000)
    with served_site(file=file) as server, server.connect(receive_buffer=4096) as sock:
        sock.sendall(b"GET /file HTTP/1.1\r\n" + HOST + b"\r\n")
        data = sock.recv(1000)
        drained = asyncio.run_coroutine_threadsafe(server.listener.drain(20), server.loop)

        assert len(data + until_closed(sock)) > 20_000_000
        assert drained.result(20) == 0


@pytest.mark.parametrize("head", [b"GET /file HTTP/1.1\r\n" + HOST + b"\r\n", b"GET /file HTTP/1.1\r\n"])
def test_the_end_waits_until_the_clients_machine_has_every_byte(tmp_path: Path, head: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 60_000)  # goes into the kernel at once, and through so small a window only when it is read
    with served_site(file=file) as server, server.connect(receive_buffer=4096) as slow:
        slow.sendall(head)
        whole = head.endswith(b"\r\n\r\n")
        # Whoever has not said a word is let go of at once; this one has begun to.
        eventually(lambda: server.site.ended or any(one._input for one in server.listener._connections.values()))

        draining = asyncio.run_coroutine_threadsafe(server.listener.drain(20), server.loop)
        eventually(lambda: server.site.draining)
        if not whole:
            slow.sendall(HOST + b"\r\n")
        eventually(lambda: server.site.ended == ["/file complete"])
        with pytest.raises(TimeoutError):
            draining.result(0.5)

        assert until_closed(slow).count(b"x") == 60_000
        assert draining.result(10) == 0
