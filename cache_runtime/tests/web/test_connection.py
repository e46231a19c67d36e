"""One connection, byte by byte: what is answered, what is refused, when it ends, and what a leaving client stops."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest
from doubles.running_cache import eventually
from doubles.served_site import ServedSite, exchange, served_site, until_closed
from dtr_content_cache.web import connection as connection_module
from dtr_content_cache.web import listener as listener_module
from dtr_content_cache.web.request_head import HEAD_LIMIT_BYTES

HOST = b"Host: cache\r\n"
LAST = HOST + b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def served() -> Iterator[ServedSite]:
    with served_site() as server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedSite]:
    """A server that waits for nobody longer than some tenths of a second."""
    monkeypatch.setattr(connection_module, "HEAD_TIMEOUT_S", 0.3)
    monkeypatch.setattr(connection_module, "IDLE_TIMEOUT_S", 0.6)
    monkeypatch.setattr(listener_module, "_LOOK_AT_DEADLINES_EVERY_S", 0.05)
    with served_site() as server:
        yield server


def statuses(data: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1.1 ([0-9]{3}) ", data)]


def test_requests_on_one_connection_are_answered_in_their_order(served: ServedSite) -> None:
    answer = exchange(
        served.address,
        b"GET /a HTTP/1.1\r\n" + HOST + b"\r\nHEAD /b HTTP/1.1\r\n" + HOST + b"\r\nGET /c HTTP/1.1\r\n" + LAST,
    )

    assert statuses(answer) == [200, 200, 200]
    assert [body in answer for body in (b"GET /a", b"HEAD /b", b"GET /c")] == [True, False, True]


def test_a_request_in_single_bytes_is_the_same_request(served: ServedSite) -> None:
    with served.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /slowly HTTP/1.1\r\n" + LAST:
            sock.sendall(bytes([byte]))
        answer = until_closed(sock)

    assert answer.endswith(b"GET /slowly")


def test_http_1_0_is_answered_and_ended(served: ServedSite) -> None:
    answer = exchange(served.address, b"GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    assert b"Connection: close\r\n" in answer
    assert answer.endswith(b"GET /old")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET /a HTTP/1.1\n" + b"Host: a\n\n", id="bare LF throughout"),
        pytest.param(b"GET /a HTTP/1.1\r\nX: a\nHost: b\r\n\r\n", id="bare LF in one line"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS on the plain port"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", id="another protocol"),
        pytest.param(b"\r\nGET /a HTTP/1.1\r\n" + LAST, id="an empty line first"),
        pytest.param(b"GET /a HTTP/1.1\r\n" + HOST + b"X: a\r\n  folded\r\n\r\n", id="obs-fold"),
        pytest.param(
            b"GET /a HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            b"GET /smuggled HTTP/1.1\r\n" + LAST,
            id="CL and TE",
        ),
        pytest.param(
            b"GET /a HTTP/1.1\r\n"
            + HOST
            + b"Content-Length: 0\r\nContent-Length: 40\r\n\r\nGET /smuggled HTTP/1.1\r\n"
            + LAST,
            id="two lengths",
        ),
        pytest.param(
            b"GET /a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, x\r\n\r\nGET /smuggled HTTP/1.1\r\n" + LAST,
            id="TE variant",
        ),
        pytest.param(b"GET http://evil/a HTTP/1.1\r\n" + LAST, id="absolute form"),
        pytest.param(b"GET /a\x00 HTTP/1.1\r\n" + LAST, id="NUL"),
    ],
)
def test_what_is_malformed_gets_one_400_at_once_and_the_end(served: ServedSite, data: bytes) -> None:
    before = len(served.site.seen)

    answer = exchange(served.address, data)

    assert statuses(answer) == [400]
    assert b"Connection: close\r\n" in answer
    assert len(served.site.seen) == before, "nothing malformed may reach the site"


@pytest.mark.parametrize(
    "rest",
    [
        HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"Host: cache\n\n",
        b"X: " + b"a" * HEAD_LIMIT_BYTES,
    ],
    ids=["both framings", "ends by LF", "too large"],
)
def test_a_head_that_is_refused_gets_no_body_where_it_asks_by_HEAD(served: ServedSite, rest: bytes) -> None:
    """Whoever reads by the rules takes a body there for the next answer."""
    before = b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n"

    answer = exchange(served.address, before + b"HEAD /b HTTP/1.1\r\n" + rest)

    assert statuses(answer) in ([200, 400], [200, 431])
    assert answer.endswith(b"\r\n\r\n")
    assert b"unsupported" in exchange(served.address, b"GET /b HTTP/1.1\r\n" + rest).lower()


def test_the_preface_of_http_2_is_told_the_version(served: ServedSite) -> None:
    assert statuses(exchange(served.address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) == [505]


def test_an_upgrade_is_ignored(served: ServedSite) -> None:
    answer = exchange(
        served.address,
        b"GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
        b"Connection: Upgrade, HTTP2-Settings, close\r\n\r\n",
    )

    assert statuses(answer) == [200]


@pytest.mark.parametrize("ended", [True, False])
def test_a_head_beyond_its_limit_is_answered_431(served: ServedSite, ended: bool) -> None:
    head = b"GET /a HTTP/1.1\r\n" + HOST + b"X: " + b"a" * HEAD_LIMIT_BYTES + (b"\r\n\r\n" if ended else b"")

    assert statuses(exchange(served.address, head)) == [431]


def test_a_head_of_just_the_limit_is_read(served: ServedSite) -> None:
    start = b"GET /a HTTP/1.1\r\n" + LAST[:-2]
    head = start + b"X: " + b"a" * (HEAD_LIMIT_BYTES - len(start) - 3) + b"\r\n\r\n"

    assert len(head) == HEAD_LIMIT_BYTES + 4
    assert statuses(exchange(served.address, head)) == [200]


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000,
        b"Transfer-Encoding: chunked\r\n\r\n" + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 70 + b"0\r\n\r\n",
        b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
    ],
    ids=["length", "chunked", "expecting"],
)
def test_a_client_that_sends_a_body_gets_its_answer_and_the_end(served: ServedSite, body: bytes) -> None:
    answer = exchange(served.address, b"PUT /a HTTP/1.1\r\n" + HOST + body)

    assert statuses(answer) == [200]
    assert b"Connection: close\r\n" in answer
    assert answer.endswith(b"PUT /a")


def test_a_body_is_never_read_as_the_next_request(served: ServedSite) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\n" + LAST
    length = f"Content-Length: {len(smuggled)}\r\n\r\n".encode()

    answer = exchange(served.address, b"PUT /a HTTP/1.1\r\n" + HOST + length + smuggled)

    assert statuses(answer) == [200]
    assert "/smuggled" not in [request.path for request in served.site.seen]


def test_a_client_that_leaves_ends_its_own_answer(served: ServedSite) -> None:
    sock = served.connect()
    sock.sendall(b"GET /wait HTTP/1.1\r\n" + LAST)
    eventually(lambda: any(request.path == "/wait" for request in served.site.seen))
    before = served.listener.connections
    sock.close()

    eventually(lambda: "/wait broken off" in served.site.ended)
    eventually(lambda: served.listener.connections == before - 1)


def test_a_bug_in_an_answer_ends_this_connection_and_no_other(served: ServedSite) -> None:
    assert exchange(served.address, b"GET /fault HTTP/1.1\r\n" + LAST) == b""
    eventually(lambda: any("a bug" in getattr(event, "traceback", "") for event in served.events))

    assert statuses(exchange(served.address, b"GET /a HTTP/1.1\r\n" + LAST)) == [200]


def test_a_head_that_does_not_come_to_its_end_is_waited_for_only_so_long(impatient: ServedSite) -> None:
    with impatient.connect() as silent, impatient.connect() as dripping:
        dripping.sendall(b"GET /a HTTP/1.1\r\n")

        assert until_closed(silent) == b""
        assert until_closed(dripping) == b""
    eventually(lambda: impatient.listener.connections == 0)


def test_bytes_that_drip_do_not_prolong_a_heads_time(impatient: ServedSite) -> None:
    with impatient.connect() as sock:
        sock.settimeout(0.05)
        sock.sendall(b"GET /a HTTP/1.1\r\n")

        def ended() -> bool:
            try:
                sock.sendall(b"X: y\r\n")
                return sock.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        eventually(ended, 5)


def test_an_idle_connection_is_ended_later_than_a_half_sent_head(impatient: ServedSite) -> None:
    with impatient.connect() as sock:
        sock.sendall(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n")
        assert sock.recv(65536).endswith(b"GET /a")
        sock.settimeout(0.4)  # longer than a head may take, shorter than idling may
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(5)

        assert sock.recv(1) == b""


def test_an_answer_that_takes_long_on_our_side_is_not_cut_for_it(impatient: ServedSite) -> None:
    with impatient.connect() as sock:
        sock.sendall(b"GET /wait HTTP/1.1\r\n" + LAST)
        sock.settimeout(0.8)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        impatient.call(impatient.site.go.set)
        sock.settimeout(5)

        assert until_closed(sock).endswith(b"GET /wait")


def test_a_client_that_takes_nothing_any_more_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(connection_module, "STALLED_CLIENT_S", 0.3)
    monkeypatch.setattr(listener_module, "_LOOK_AT_DEADLINES_EVERY_S", 0.05)
    file = tmp_path / "file"
    file.write_bytes(b"x" * 20_000_000)
    with served_site(file=file) as server, server.connect(receive_buffer=4096) as sock:
        sock.sendall(b"GET /file HTTP/1.1\r\n" + LAST)

        eventually(lambda: "/file broken off" in server.site.ended)
        eventually(lambda: server.listener.connections == 0)
