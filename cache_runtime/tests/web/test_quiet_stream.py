"""A connection that breaks, by whatever the kernel says, has ended: nobody hears of a bug, and the next one is well."""

from __future__ import annotations

import errno
import os
import random
import selectors
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.certificates import Authority, plain_server
from doubles.running_cache import eventually
from doubles.served_site import ServedSite, served_site, until_closed
from dtr_content_cache.web import early_loop
from dtr_content_cache.web.client_stream import ClientStream
from tornado.iostream import StreamClosedError

ASK = b"GET /a HTTP/1.1\r\nHost: cache\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENOMEM, errno.ECONNRESET])
def test_whatever_reading_fails_by_the_stream_is_closed(number: int) -> None:
    class Unreadable(socket.socket):
        def recv_into(self, *_: Any, **__: Any) -> int:
            raise OSError(number, os.strerror(number))

    async def run() -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            stream = ClientStream(Unreadable(fileno=ours.detach()))
            with pytest.raises(StreamClosedError) as caught:
                await stream.read_bytes(10, partial=True)
            assert stream.closed()
            assert getattr(caught.value.real_error, "errno", None) == number

    early_loop.run(run())


@pytest.fixture(params=["plain", "tls"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServedSite]:
    context = plain_server(*Authority("ours").issue(tmp_path)) if request.param == "tls" else None
    file = tmp_path / "file"
    file.write_bytes(random.Random(1).randbytes(30_000_000))
    with served_site(context, file=file) as site:
        site.secure = context is not None  # type: ignore[attr-defined]
        yield site


def connected(served: ServedSite) -> socket.socket:
    sock = served.connect(receive_buffer=4096)
    if not served.secure:  # type: ignore[attr-defined]
        return sock
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    return client.wrap_socket(sock)


def answered(served: ServedSite) -> bytes:
    """Nothing where the connection was ended, however."""
    try:
        with connected(served) as sock:
            sock.sendall(ASK)
            return until_closed(sock)
    except OSError:
        return b""


def test_a_client_that_epoll_has_no_memory_for_is_let_go_and_the_next_one_answered(
    served: ServedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    register, descriptors = selectors.DefaultSelector.register, len(os.listdir("/proc/self/fd"))
    refused = []

    def without_memory(selector: Any, fileobj: Any, events: int, data: Any = None) -> Any:
        if fileobj != served.listener._accepting[0].sock.fileno() and len(refused) < 3:
            refused.append(fileobj)
            raise OSError(errno.ENOMEM, "no memory")
        return register(selector, fileobj, events, data)

    monkeypatch.setattr(selectors.DefaultSelector, "register", without_memory)
    for _ in range(3):
        assert answered(served) == b""

    assert answered(served).endswith(b"GET /a")
    assert len(refused) == 3
    assert served.events == []
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)


def test_an_answer_that_epoll_has_no_memory_to_go_on_with_is_broken_off(
    served: ServedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_memory(fd: int, push: Any) -> None:
        raise OSError(errno.ENOMEM, "no memory")

    with connected(served) as sock:
        monkeypatch.setattr(served.loop, "push_when_writable", without_memory)
        sock.sendall(ASK.replace(b"/a", b"/file"))
        got = 0
        try:
            while data := sock.recv(1 << 20):
                got += len(data)
        except OSError:
            pass

    eventually(lambda: served.site.ended == ["/file broken off"])
    assert got < 30_000_000
    assert served.events == []
