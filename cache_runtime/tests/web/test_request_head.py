"""A request head is read one way or refused: every leniency that a bare Tornado has is a refusal here."""

from __future__ import annotations

import pytest
from dtr_content_cache.web.request_head import HEADERS_LIMIT, HeadRefused, Request, parse_request_head, refuse_early
from hypothesis import example, given
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders, HTTPInputError, parse_request_start_line

LINE, HOST = b"GET /v2/ HTTP/1.1", b"Host: cache"


def parse(*lines: bytes) -> Request:
    return parse_request_head(b"\r\n".join(lines))


def refusal(*lines: bytes) -> int:
    with pytest.raises(HeadRefused) as refused:
        parse(*lines)
    return refused.value.status


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param((LINE, b"Host: a\nX: b"), 400, id="bare LF within a header"),
        pytest.param((LINE, b"X: a\nHost: b", HOST), 400, id="bare LF that makes a header"),
        pytest.param((b"GET / HTTP/1.1\nHost: a",), 400, id="bare LF after the request line"),
        pytest.param((LINE, HOST, b"X: a\rY: b"), 400, id="bare CR"),
        pytest.param((LINE, HOST, b"X: a\x00b"), 400, id="NUL in a value"),
        pytest.param((LINE, HOST, b"X: a", b" folded"), 400, id="obs-fold"),
        pytest.param((LINE, HOST, b"X: a", b"\tfolded"), 400, id="obs-fold by tab"),
        pytest.param((LINE, HOST, b" X: a"), 400, id="space before the name"),
        pytest.param((LINE, HOST, b"X : a"), 400, id="space after the name"),
        pytest.param((LINE, HOST, b"X"), 400, id="no colon"),
        pytest.param((LINE, HOST, b": a"), 400, id="no name"),
        pytest.param((LINE, HOST, b"X\xc3\xa9: a"), 400, id="name that is not ASCII"),
        pytest.param((LINE, HOST, b"X(y): a"), 400, id="name that is no token"),
        pytest.param((LINE, HOST, b"Content-Length: 5", b"Content-Length: 5"), 400, id="Content-Length twice"),
        pytest.param((LINE, HOST, b"Content-Length: 5, 5"), 400, id="Content-Length list"),
        pytest.param((LINE, HOST, b"Content-Length: +5"), 400, id="Content-Length with sign"),
        pytest.param((LINE, HOST, b"Content-Length: -5"), 400, id="Content-Length negative"),
        pytest.param((LINE, HOST, b"Content-Length: 1_0"), 400, id="Content-Length with underscore"),
        pytest.param((LINE, HOST, b"Content-Length: 0x5"), 400, id="Content-Length in hex"),
        pytest.param((LINE, HOST, "Content-Length: ٣".encode()), 400, id="Content-Length in other digits"),
        pytest.param((LINE, HOST, b"Content-Length: 99999999999999999999"), 400, id="Content-Length huge"),
        pytest.param((LINE, HOST, b"Content-Length:"), 400, id="Content-Length empty"),
        pytest.param((LINE, HOST, b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400, id="CL and TE"),
        pytest.param((LINE, HOST, b"Transfer-Encoding: chunked", b"Content-Length: 5"), 400, id="TE and CL"),
        pytest.param((LINE, HOST, b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"), 400, id="TE twice"),
        pytest.param((LINE, HOST, b"Transfer-Encoding: chunked, identity"), 400, id="TE list"),
        pytest.param((LINE, HOST, b"Transfer-Encoding: xchunked"), 400, id="TE unknown"),
        pytest.param((LINE, HOST, b"Transfer-Encoding: \x0bchunked"), 400, id="TE after a vertical tab"),
        pytest.param((LINE, HOST, b"Transfer-Encoding: chunked;q=1"), 400, id="TE with a parameter"),
        pytest.param((LINE, HOST, "Transfer-Encoding: chun\u212aed".encode()), 400, id="TE with a Kelvin sign"),
        pytest.param((b"GET / HTTP/1.0", b"Transfer-Encoding: chunked"), 400, id="TE in HTTP/1.0"),
        pytest.param((b"GET http://evil/a HTTP/1.1", HOST), 400, id="absolute form"),
        pytest.param((b"GET a HTTP/1.1", HOST), 400, id="no leading slash"),
        pytest.param((b"GET * HTTP/1.1", HOST), 400, id="asterisk"),
        pytest.param((b"CONNECT evil:443 HTTP/1.1", HOST), 400, id="authority form"),
        pytest.param((b"GET /\xff HTTP/1.1", HOST), 400, id="raw 8-bit target"),
        pytest.param((b"GET /a#frag HTTP/1.1", HOST), 400, id="fragment"),
        pytest.param((b"GET /a\\b HTTP/1.1", HOST), 400, id="backslash"),
        pytest.param((b"GET /a\x00 HTTP/1.1", HOST), 400, id="NUL in the target"),
        pytest.param((b"GET /a b HTTP/1.1", HOST), 400, id="space in the target"),
        pytest.param((b"GET  /a HTTP/1.1", HOST), 400, id="two spaces"),
        pytest.param((b"GET\t/a HTTP/1.1", HOST), 400, id="tab for a space"),
        pytest.param((b"GET /a HTTP/1.1 ", HOST), 400, id="space at the end"),
        pytest.param((b" GET /a HTTP/1.1", HOST), 400, id="space at the start"),
        pytest.param((b"", LINE, HOST), 400, id="an empty line first"),
        pytest.param((b"GET /a", HOST), 400, id="HTTP/0.9"),
        pytest.param((b"get / HTTP/1.1", HOST), 400, id="method in lower case"),
        pytest.param((b"GE\x80T / HTTP/1.1", HOST), 400, id="method that is no token"),
        pytest.param((b"GET / http/1.1", HOST), 400, id="protocol in lower case"),
        pytest.param((b"GET / HTTP/1.10", HOST), 400, id="version with two digits"),
        pytest.param((b"GET / HTTP/1.2", HOST), 505, id="HTTP/1.2"),
        pytest.param((b"GET / HTTP/2.0", HOST), 505, id="HTTP/2.0"),
        pytest.param((b"PRI * HTTP/2.0",), 505, id="HTTP/2 preface"),
        pytest.param((LINE,), 400, id="no Host"),
        pytest.param((LINE, HOST, HOST), 400, id="Host twice"),
        pytest.param((LINE, b"Host: a, b"), 400, id="Host list"),
        pytest.param((LINE, b"Host: a/b"), 400, id="Host with a path"),
        pytest.param((LINE, b"Host: user@a"), 400, id="Host with a user"),
        pytest.param((LINE, b"Host: a:1:2"), 400, id="Host with two ports"),
        pytest.param((LINE, HOST, b"Range: bytes=0-1", b"Range: bytes=2-3"), 400, id="Range twice"),
        pytest.param((LINE, HOST, b"Authorization: a", b"authorization: b"), 400, id="Authorization twice"),
        pytest.param((LINE, HOST, *[b"X: y"] * HEADERS_LIMIT), 431, id="too many headers"),
    ],
)  # fmt: skip
def test_it_is_refused(lines: tuple[bytes, ...], status: int) -> None:
    assert refusal(*lines) == status


def test_a_good_head_is_taken_as_it_is() -> None:
    request = parse(
        b"GET /v2/a%2Fb/../c?grant=x%20y&z HTTP/1.1",
        b"Host: [::1]:5000",
        b"X-Multi: 1",
        b"x-multi:  2\t",
        b"Range: bytes=0-1",
    )

    assert (request.method, request.path, request.query) == ("GET", "/v2/a%2Fb/../c", "grant=x%20y&z")
    assert request.headers == {"host": "[::1]:5000", "x-multi": "1, 2", "range": "bytes=0-1"}
    assert request.keep_alive is True
    assert request.has_body is False


@pytest.mark.parametrize(
    ("lines", "keep_alive"),
    [
        ((LINE, HOST), True),
        ((LINE, HOST, b"Connection: close"), False),
        ((LINE, HOST, b"Connection: X, Close"), False),
        ((LINE, HOST, b"Connection: x", b"Connection: close"), False),
        ((b"GET / HTTP/1.0",), False),
        ((b"GET / HTTP/1.0", b"Connection: keep-alive"), False),
    ],
)
def test_a_connection_is_kept_only_where_both_sides_mean_the_same(lines: tuple[bytes, ...], keep_alive: bool) -> None:
    assert parse(*lines).keep_alive is keep_alive


@pytest.mark.parametrize(
    ("header", "has_body"),
    [
        (b"Content-Length: 0", False),
        (b"Content-Length: 7", True),
        (b"Transfer-Encoding: Chunked", True),
        (b"X: y", False),
    ],
)
def test_a_body_is_announced_in_two_ways(header: bytes, has_body: bool) -> None:
    assert parse(LINE, HOST, header).has_body is has_body


@pytest.mark.parametrize(
    ("data", "looked", "refused"),
    [
        (b"\x16\x03\x01", 0, True),
        (b"\r\n", 0, True),
        (b"get", 0, True),
        (b"GET / HTTP/1.1\n", 0, True),
        (b"GET / HTTP/1.1\r\nX\n", 16, True),
        (b"GET / HTTP/1.1\r", 0, False),
        (b"GET / HTTP/1.1\r\n", 15, False),
        (b"G", 0, False),
    ],
)
def test_what_cannot_become_a_head_is_refused_before_its_end(data: bytes, looked: int, refused: bool) -> None:
    try:
        refuse_early(data, looked)
        found = False
    except HeadRefused:
        found = True
    assert found is refused


_pieces = st.sampled_from(
    [b"GET", b"HEAD", b" ", b"/", b"/v2/", b"?", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b":", b"Host",
     b"Host: a", b"Content-Length", b"Transfer-Encoding", b"chunked", b"5", b",", b"\t", b"\x00", b"\xff", b"%",
     b"X-A: b", b"http://a/"]
)  # fmt: skip
_heads = st.one_of(st.binary(max_size=300), st.lists(_pieces, max_size=30).map(b"".join))
_lines = st.lists(st.lists(_pieces, max_size=6).map(b"".join), max_size=6).map(
    lambda more: b"\r\n".join([LINE, HOST, *more])
)


@given(st.one_of(_heads, _lines))
@example(LINE + b"\r\n" + HOST)
def test_any_bytes_give_a_request_or_a_refusal(head: bytes) -> None:
    refusal, request = None, None
    try:
        request = parse_request_head(head)
    except HeadRefused as refused:
        refusal = refused

    if request is not None:
        assert request.path.startswith("/")
        assert all(name == name.lower() for name in request.headers)
    if refusal is not None:
        assert refusal.status in (400, 431, 505)
        assert refusal.reason.isascii()


@given(_lines)
@example(LINE + b"\r\n" + HOST + b"\r\nA: \xff\r\nA: c")
def test_what_we_accept_tornado_reads_the_same_way(head: bytes) -> None:
    try:
        ours = parse_request_head(head)
    except HeadRefused:
        return
    first, _, rest = head.decode("latin-1").partition("\r\n")
    theirs = parse_request_start_line(first)
    try:
        headers = HTTPHeaders.parse(rest + "\r\n")
    except HTTPInputError:
        pytest.fail("Tornado refuses what we accept")

    assert (theirs.method, theirs.path) == (ours.method, ours.path + ("?" + ours.query if ours.query else ""))
    assert {name.lower() for name in headers} == set(ours.headers)
    for name, value in ours.headers.items():
        assert value == ", ".join(headers.get_list(name))
