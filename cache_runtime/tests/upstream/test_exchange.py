"""One exchange with an upstream: framings, redirects, documents, credentials that stay at home."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from doubles.exchanges import BODY, LENGTH, OK, blob_path, hop_to, new_exchanges, read
from doubles.upstream import Answering, Fault, Upstream, hold_after, raw
from dtr_content_cache.settings.model import Upstream as Hop
from dtr_content_cache.upstream import exchange
from dtr_content_cache.upstream.ask import Ask
from dtr_content_cache.upstream.response_head import HopFailed


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


def _chunked(data: bytes, size: int) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


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

    assert read(new_exchanges(), upstream, Ask("GET", blob_path(upstream)), piece) == BODY


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
        read(new_exchanges(), upstream, Ask("GET", blob_path(upstream)))


def test_what_has_arrived_in_single_byte_chunks_is_taken_at_once(upstream: Upstream) -> None:
    upstream.always = raw(CHUNKED + _chunked(BODY, 1))
    exchange = new_exchanges().open(hop_to(upstream), Ask("GET", blob_path(upstream)))
    view, reads = memoryview(bytearray(1 << 20)), 0
    while exchange.read_into(view):
        reads += 1
    exchange.close()

    assert reads < len(BODY) / 20


def test_the_bytes_before_a_break_are_given_out_before_the_failure(upstream: Upstream) -> None:
    upstream.always = raw(CHUNKED + b"5\r\nabcde\r\n0\r\n")
    exchange = new_exchanges().open(hop_to(upstream), Ask("GET", blob_path(upstream)))
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
        read(new_exchanges(stall_s=0.1), upstream, Ask("GET", blob_path(upstream)))


def test_a_head_answer_tells_the_length_and_has_no_body(upstream: Upstream) -> None:
    exchanges = new_exchanges()
    for _ in range(3):
        exchange = exchanges.open(hop_to(upstream), Ask("HEAD", blob_path(upstream)))
        assert (exchange.head.length, exchange.read_into(memoryview(bytearray(10)))) == (len(BODY), 0)
        exchange.close()


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, None, None), (0, 10, "bytes=0-9"), (5, None, "bytes=5-"), (5, 6, "bytes=5-5")]
)
def test_how_a_part_is_asked_for(upstream: Upstream, start: int, end: int | None, expected: str | None) -> None:
    assert read(new_exchanges(), upstream, Ask("GET", blob_path(upstream), start, end)) == BODY[start:end]
    assert upstream.asked[-1].headers.get("range") == expected
    assert upstream.asked[-1].headers["accept-encoding"] == "identity"


def _to(location: str) -> Fault:
    return lambda answering: answering.head("307 X", Location=location, Content_Length=0)


def test_only_a_blob_follows_a_redirect(upstream: Upstream) -> None:
    exchanges, path = new_exchanges(f"127.0.0.1:{upstream.port}"), blob_path(upstream)
    upstream.faults = [_to(f"{upstream.url}{path}"), _to(f"{upstream.url}{path}")]

    assert exchanges.open(hop_to(upstream), Ask("GET", path)).head.status == 307
    assert read(exchanges, upstream, Ask("GET", path, for_blob=True)) == BODY


def test_headers_of_one_host_do_not_follow_to_another_and_the_range_does(upstream: Upstream) -> None:
    with Upstream(blobs=upstream.blobs) as storage:
        path = blob_path(upstream)
        upstream.faults = [_to(f"{storage.url}{path}?signed=1")]
        ask = Ask("GET", f"{path}?grant=g", 5, 10, (("Authorization", "Basic secret"),), for_blob=True)

        assert read(new_exchanges(f"127.0.0.1:{storage.port}"), upstream, ask) == BODY[5:10]
        assert upstream.asked[-1].headers["authorization"] == "Basic secret"
        [asked] = storage.asked
        assert (asked.query, asked.headers.get("authorization"), asked.headers["range"]) == (
            "signed=1",
            None,
            "bytes=5-9",
        )


def test_https_never_becomes_http(upstream: Upstream) -> None:
    exchanges = new_exchanges("storage.test")
    with pytest.raises(HopFailed, match="from https to http"):
        exchanges._allowed(Hop("https", "dtr.test", 443), "http://storage.test/x")

    assert exchanges._allowed(Hop("http", "dtr.test", 80), "https://storage.test/x?y=1") == (
        Hop("https", "storage.test", 443),
        "/x?y=1",
    )


def test_a_document_is_whole_or_a_failure(upstream: Upstream) -> None:
    exchanges = new_exchanges()
    path = blob_path(upstream)

    assert exchanges.fetch_document(hop_to(upstream), path, len(BODY)).body == BODY
    with pytest.raises(HopFailed, match="more than"):
        exchanges.fetch_document(hop_to(upstream), path, len(BODY) - 1)
    with pytest.raises(HopFailed, match="status 404"):
        exchanges.fetch_document(hop_to(upstream), "/v2/org/app/blobs/none", 10)


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

    path = blob_path(upstream)
    upstream.always = trickle
    with pytest.raises(HopFailed, match="no complete answer within 0s"):
        new_exchanges().fetch_document(hop_to(upstream), path, 1 << 20)


def test_a_body_that_trickles_behind_a_document_on_the_same_connection_is_none(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "DOCUMENT_WITHIN_S", 0.3)
    exchanges, path = new_exchanges(), blob_path(upstream)
    exchanges.fetch_document(hop_to(upstream), path, len(BODY))
    upstream.faults = [hold_after(100)]
    release = threading.Timer(0.5, upstream.release.set)
    release.start()

    assert read(exchanges, upstream, Ask("GET", path)) == BODY


def test_a_document_is_never_fetched_from_where_a_redirect_leads(upstream: Upstream) -> None:
    path = blob_path(upstream)
    upstream.faults = [_to(f"{upstream.url}{path}")]

    with pytest.raises(HopFailed, match="status 307"):
        new_exchanges(f"127.0.0.1:{upstream.port}").fetch_document(hop_to(upstream), path, 1 << 20)
