"""One exchange with an upstream: framings, connections used again, redirects, credentials that stay at home."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator

import pytest
from doubles.running_cache import eventually
from doubles.upstream import Answering, Fault, Upstream, hold_after, raw
from dtr_content_cache.settings.model import Upstream as Hop
from dtr_content_cache.upstream import exchange, idle
from dtr_content_cache.upstream.ask import Ask
from dtr_content_cache.upstream.exchange import Exchanges
from dtr_content_cache.upstream.response_head import HopFailed

BODY = bytes(range(256)) * 40
OK = b"HTTP/1.1 200 OK\r\n"
CONTEXT = ssl.create_default_context()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


def _hop(upstream: Upstream) -> Hop:
    return Hop("http", "127.0.0.1", upstream.port)


def _exchanges(*redirect_hosts: str, stall_s: float = 5.0) -> Exchanges:
    return Exchanges(lambda: CONTEXT, stall_s, redirect_hosts)


def _path(upstream: Upstream, body: bytes = BODY) -> str:
    return f"/v2/org/app/blobs/{upstream.add(body)}"


def _read(exchanges: Exchanges, upstream: Upstream, ask: Ask, piece: int = 1000) -> bytes:
    exchange = exchanges.open(_hop(upstream), ask)
    try:
        body, view = b"", memoryview(bytearray(piece))
        while count := exchange.read_into(view):
            body += view[:count]
        return body
    finally:
        exchange.close()


def _chunked(data: bytes, size: int) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


LENGTH = OK + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("piece", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize(
    "answer",
    [
        LENGTH,
        CHUNKED + _chunked(BODY, 1),
        CHUNKED + _chunked(BODY, 300),
        CHUNKED + _chunked(BODY, 1 << 20),
        CHUNKED + _chunked(BODY, 300)[:-2] + b"Trailer: x\r\n\r\n",
        OK + b"\r\n" + BODY,
        b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + LENGTH,
    ],
    ids=["length", "single bytes", "chunks", "one chunk", "trailers", "until close", "1.0", "interim"],
)
def test_a_body_is_read_whole_in_pieces_of_any_size(upstream: Upstream, answer: bytes, piece: int) -> None:
    upstream.always = raw(answer)

    assert _read(_exchanges(), upstream, Ask("GET", _path(upstream)), piece) == BODY


@pytest.mark.parametrize(
    "answer",
    [
        LENGTH[:-1],
        CHUNKED + _chunked(BODY, 300)[:-5],
        CHUNKED + _chunked(BODY, 300)[:5000],
        CHUNKED + b"5\r\nabcdefg\r\n0\r\n\r\n",
        CHUNKED + b"5\nabcde\n0\n\n",
        CHUNKED + b"+5\r\nabcde\r\n0\r\n\r\n",
        CHUNKED + b"0x5\r\nabcde\r\n0\r\n\r\n",
        CHUNKED + b"5;\x00\r\nabcde\r\n0\r\n\r\n",
        CHUNKED + b"1000000000000000\r\n",
        CHUNKED + b"0\r\n" + b"T: x\r\n" * 50,
        CHUNKED + b"0\r\nT: " + b"x" * 40_000,
        OK + b"X: " + b"y" * 100_000,
        b"",
    ],
)
def test_a_body_that_ends_early_or_lies_about_its_chunks_is_a_failure(upstream: Upstream, answer: bytes) -> None:
    upstream.always = raw(answer)

    with pytest.raises(HopFailed):
        _read(_exchanges(), upstream, Ask("GET", _path(upstream)))


def test_what_has_arrived_in_single_byte_chunks_is_taken_at_once(upstream: Upstream) -> None:
    upstream.always = raw(CHUNKED + _chunked(BODY, 1))
    exchange = _exchanges().open(_hop(upstream), Ask("GET", _path(upstream)))
    view, reads = memoryview(bytearray(1 << 20)), 0
    while exchange.read_into(view):
        reads += 1
    exchange.close()

    assert reads < len(BODY) / 20


def test_the_bytes_before_a_break_are_given_out_before_the_failure(upstream: Upstream) -> None:
    upstream.always = raw(CHUNKED + b"5\r\nabcde\r\n0\r\n")
    exchange = _exchanges().open(_hop(upstream), Ask("GET", _path(upstream)))
    view = memoryview(bytearray(100))

    assert bytes(view[: exchange.read_into(view)]) == b"abcde"
    with pytest.raises(HopFailed):
        exchange.read_into(view)
    exchange.close()


def test_silence_longer_than_the_stall_time_is_a_failure(upstream: Upstream) -> None:
    def silent(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=10)
        answering.body(b"12345")
        answering.upstream.release.wait(10)

    upstream.always = silent
    with pytest.raises(HopFailed, match="no byte for"):
        _read(_exchanges(stall_s=0.1), upstream, Ask("GET", _path(upstream)))


def test_a_head_answer_tells_the_length_and_has_no_body(upstream: Upstream) -> None:
    exchanges = _exchanges()
    for _ in range(3):
        exchange = exchanges.open(_hop(upstream), Ask("HEAD", _path(upstream)))
        assert (exchange.head.length, exchange.read_into(memoryview(bytearray(10)))) == (len(BODY), 0)
        exchange.close()


def _connections(upstream: Upstream) -> int:
    return len(upstream._sockets)


def test_a_connection_is_used_again_after_a_whole_answer(upstream: Upstream) -> None:
    exchanges = _exchanges()
    for _ in range(5):
        assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY

    assert _connections(upstream) == 1
    exchanges.forget_idle()
    eventually(lambda: _connections(upstream) == 0)


@pytest.mark.parametrize("had_waited", [False, True])
def test_a_connection_that_was_in_use_when_all_were_forgotten_is_not_used_again(
    upstream: Upstream, had_waited: bool
) -> None:
    exchanges, ask = _exchanges(), Ask("GET", _path(upstream))
    if had_waited:
        _read(exchanges, upstream, ask)
    under_way = exchanges.open(_hop(upstream), ask)
    exchanges.forget_idle()
    assert under_way.read_all(len(BODY)) == BODY
    under_way.close()

    eventually(lambda: _connections(upstream) == 0)
    for _ in range(2):
        assert _read(exchanges, upstream, ask) == BODY
    assert _connections(upstream) == 1


def test_a_connection_that_is_opened_while_all_are_forgotten_is_not_used_again(upstream: Upstream) -> None:
    def context() -> ssl.SSLContext:
        """It is still the old one, and no longer when the connection is there."""
        exchanges.forget_idle()
        return CONTEXT

    exchanges = Exchanges(context, 5.0)
    assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY

    eventually(lambda: _connections(upstream) == 0)


def _with_surplus(answering: Answering) -> None:
    answering.head("200 OK", Content_Length=len(answering.blob))
    # In one piece, so that the surplus is there as soon as the answer is.
    answering.sock.sendall(answering.blob + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")


@pytest.mark.parametrize(
    "fault",
    [_with_surplus, raw(LENGTH), lambda answering: answering.well() or answering.reset()],
    ids=["bytes behind the answer", "closed while idle", "reset while idle"],
)
def test_a_connection_that_went_bad_while_idle_costs_nothing(upstream: Upstream, fault: Fault) -> None:
    exchanges = _exchanges()
    upstream.faults = [fault]
    for _ in range(3):
        assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY


def test_a_connection_that_went_dead_while_idle_costs_less_than_a_stall(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(answering: Answering) -> None:
        answering.upstream.release.wait(20)

    monkeypatch.setattr(idle, "DEAD_AFTER_S", 0.1)
    exchanges = _exchanges(stall_s=15.0)
    assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY
    upstream.faults = [dead]
    began = time.monotonic()

    assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY
    assert time.monotonic() - began < 10
    assert len(upstream.blob_requests()) == 3


def test_a_connection_that_is_used_again_has_the_whole_stall_timeout_for_its_body(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "DEAD_AFTER_S", 0.1)
    exchanges = _exchanges()
    assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY
    upstream.faults = [hold_after(100)]
    timer = threading.Timer(0.5, upstream.release.set)
    timer.start()

    assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY
    assert len(upstream.blob_requests()) == 2


def test_an_answer_that_was_not_read_to_its_end_gives_its_connection_to_nobody(upstream: Upstream) -> None:
    exchanges = _exchanges()
    exchange = exchanges.open(_hop(upstream), Ask("GET", _path(upstream)))
    exchange.read_into(memoryview(bytearray(10)))
    exchange.close()

    assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY


def test_what_is_left_of_an_answer_is_never_read_as_the_next_one(upstream: Upstream) -> None:
    answer_in_a_body = b"0123456789" + OK + b"Content-Length: 5\r\n\r\nWRONG"
    exchanges = _exchanges()
    exchange = exchanges.open(_hop(upstream), Ask("GET", _path(upstream, answer_in_a_body)))
    assert exchange.read_into(memoryview(bytearray(10))) == 10
    exchange.close()

    assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY


def test_an_idle_connection_is_not_kept_for_ever(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    exchanges = _exchanges()
    assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY
    monkeypatch.setattr(idle, "AGE_S", 0.0)
    assert _read(exchanges, upstream, Ask("GET", _path(upstream))) == BODY

    eventually(lambda: _connections(upstream) == 1)


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, None, None), (0, 10, "bytes=0-9"), (5, None, "bytes=5-"), (5, 6, "bytes=5-5")]
)
def test_how_a_part_is_asked_for(upstream: Upstream, start: int, end: int | None, expected: str | None) -> None:
    assert _read(_exchanges(), upstream, Ask("GET", _path(upstream), start, end)) == BODY[start:end]
    assert upstream.asked[-1].headers.get("range") == expected
    assert upstream.asked[-1].headers["accept-encoding"] == "identity"


def _to(location: str) -> Fault:
    return lambda answering: answering.head("307 X", Location=location, Content_Length=0)


def test_only_a_blob_follows_a_redirect(upstream: Upstream) -> None:
    exchanges, path = _exchanges(f"127.0.0.1:{upstream.port}"), _path(upstream)
    upstream.faults = [_to(f"{upstream.url}{path}"), _to(f"{upstream.url}{path}")]

    assert exchanges.open(_hop(upstream), Ask("GET", path)).head.status == 307
    assert _read(exchanges, upstream, Ask("GET", path, for_blob=True)) == BODY


def test_headers_of_one_host_do_not_follow_to_another_and_the_range_does(upstream: Upstream) -> None:
    with Upstream(blobs=upstream.blobs) as storage:
        path = _path(upstream)
        upstream.faults = [_to(f"{storage.url}{path}?signed=1")]
        ask = Ask("GET", f"{path}?grant=g", 5, 10, (("Authorization", "Basic secret"),), for_blob=True)

        assert _read(_exchanges(f"127.0.0.1:{storage.port}"), upstream, ask) == BODY[5:10]
        assert upstream.asked[-1].headers["authorization"] == "Basic secret"
        [asked] = storage.asked
        assert (asked.query, asked.headers.get("authorization"), asked.headers["range"]) == (
            "signed=1",
            None,
            "bytes=5-9",
        )


def test_https_never_becomes_http(upstream: Upstream) -> None:
    exchanges = _exchanges("storage.test")
    with pytest.raises(HopFailed, match="from https to http"):
        exchanges._allowed(Hop("https", "dtr.test", 443), "http://storage.test/x")

    assert exchanges._allowed(Hop("http", "dtr.test", 80), "https://storage.test/x?y=1") == (
        Hop("https", "storage.test", 443),
        "/x?y=1",
    )


def test_a_document_is_whole_or_a_failure(upstream: Upstream) -> None:
    exchanges = _exchanges()
    path = _path(upstream)

    assert exchanges.fetch_document(_hop(upstream), path, len(BODY)).body == BODY
    with pytest.raises(HopFailed, match="more than"):
        exchanges.fetch_document(_hop(upstream), path, len(BODY) - 1)
    with pytest.raises(HopFailed, match="status 404"):
        exchanges.fetch_document(_hop(upstream), "/v2/org/app/blobs/none", 10)


@pytest.mark.parametrize(
    "begin", [OK + b"Content-Length: 60000\r\n\r\n", CHUNKED, OK, b""], ids=["length", "chunks", "to the end", "head"]
)
def test_a_document_that_trickles_is_a_failure_though_bytes_come(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(exchange, "DOCUMENT_WITHIN_S", 0.3)

    def trickle(answering: Answering) -> None:
        answering.sock.sendall(begin)
        while not upstream.release.wait(0.02):
            answering.sock.sendall(b"0")

    path = _path(upstream)
    upstream.always = trickle
    with pytest.raises(HopFailed, match="no complete answer within 0s"):
        _exchanges().fetch_document(_hop(upstream), path, 1 << 20)


def test_a_body_that_trickles_behind_a_document_on_the_same_connection_is_none(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "DOCUMENT_WITHIN_S", 0.3)
    exchanges, path = _exchanges(), _path(upstream)
    exchanges.fetch_document(_hop(upstream), path, len(BODY))
    upstream.faults = [hold_after(100)]
    release = threading.Timer(0.5, upstream.release.set)
    release.start()

    assert _read(exchanges, upstream, Ask("GET", path)) == BODY


def test_a_document_is_never_fetched_from_where_a_redirect_leads(upstream: Upstream) -> None:
    path = _path(upstream)
    upstream.faults = [_to(f"{upstream.url}{path}")]

    with pytest.raises(HopFailed, match="status 307"):
        _exchanges(f"127.0.0.1:{upstream.port}").fetch_document(_hop(upstream), path, 1 << 20)
