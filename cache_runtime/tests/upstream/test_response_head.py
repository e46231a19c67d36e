"""Response heads, read strictly: what can be read in two ways is refused."""

from __future__ import annotations

import pytest
from dtr_content_cache.upstream.response_head import HopFailed, ResponseHead, parse_response_head
from hypothesis import given
from hypothesis import strategies as st


def _parse(text: str | bytes, *, bodiless: bool = False) -> ResponseHead:
    data = text if isinstance(text, bytes) else text.encode("latin-1")
    return parse_response_head(data, bodiless=bodiless)


OK = "HTTP/1.1 200 OK"


def test_a_good_head_is_read_whole() -> None:
    head = _parse(f'{OK}\r\nContent-Length: 5\r\nX-Empty:\r\nETag:  "x" \t\r\nX-Empty: again')

    assert (head.status, head.http_minor, head.length, head.chunked) == (200, 1, 5, False)
    assert head.get("etag") == '"x"'
    assert [name for name, _ in head.headers] == ["content-length", "x-empty", "etag", "x-empty"]
    assert head.get("no-such") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HTTP/1.1",
        "HTTP/1.1 200OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1 \xb2\xb2\xb2 OK",
        "HTTP/2.0 200 OK",
        "HTTP/1.2 200 OK",
        "http/1.1 200 OK",
        " HTTP/1.1 200 OK",
        "HTTP/1.1 200 O\x00K",
        "HTTP/1.1 200 O\nK",
        "ICY 200 OK",
        f"{OK}\r\n",
        f"{OK}\r\nno colon",
        f"{OK}\r\n: no name",
        f"{OK}\r\nspace : x",
        f"{OK}\r\n folded: x",
        f"{OK}\r\nX: a\r\n\tfolded",
        f"{OK}\r\nX: a\x00b",
        f"{OK}\r\nX: a\nContent-Length: 5",
        f"{OK}\r\nX: a\rb",
        f"{OK}\r\nX\xe9: a",
        f"{OK}\r\nContent-Length: -5",
        f"{OK}\r\nContent-Length: +5",
        f"{OK}\r\nContent-Length: 0x5",
        f"{OK}\r\nContent-Length: 1_0",
        f"{OK}\r\nContent-Length: 5.0",
        f"{OK}\r\nContent-Length: ",
        f"{OK}\r\nContent-Length: 5, 5",
        f"{OK}\r\nContent-Length: \xb2",
        f"{OK}\r\nContent-Length: 5\r\nContent-Length: 5",
        f"{OK}\r\nContent-Length: 5\r\nContent-Length: 6",
        f"{OK}\r\nContent-Length: {10**18}",
        f"{OK}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        f"{OK}\r\nTransfer-Encoding: gzip, chunked",
        f"{OK}\r\nTransfer-Encoding: chunked, chunked",
        f"{OK}\r\nTransfer-Encoding: identity",
        f"{OK}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        f"{OK}\r\nTransfer-Encoding: \x0bchunked",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
        f"{OK}\r\nContent-Encoding: gzip",
        f"{OK}\r\nContent-Encoding: identity, gzip",
        f"{OK}\r\nContent-Encoding: identity\r\nContent-Encoding: br",
    ],
)
def test_a_head_that_is_malformed_or_ambiguous_is_refused(text: str) -> None:
    with pytest.raises(HopFailed):
        _parse(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_a_failure(data: bytes) -> None:
    try:
        _parse(b"HTTP/1.1 200 OK\r\n" + data)
    except HopFailed:
        pass


@pytest.mark.parametrize(
    ("text", "length", "chunked"),
    [
        (f"{OK}\r\nContent-Length: 0", 0, False),
        (f"{OK}\r\ncontent-length:007", 7, False),
        (f"{OK}\r\nTransfer-Encoding: Chunked", None, True),
        (OK, None, False),
        ("HTTP/1.1 200", None, False),
        ("HTTP/1.1 200 ", None, False),
        ("HTTP/1.0 200 OK", None, False),
        (f"{OK}\r\nContent-Encoding: identity", None, False),
    ],
)
def test_how_long_the_body_is(text: str, length: int | None, chunked: bool) -> None:
    head = _parse(text)

    assert (head.length, head.chunked) == (length, chunked)


def test_the_answer_to_a_head_request_has_no_chunks_whatever_it_says() -> None:
    assert not _parse(f"{OK}\r\nTransfer-Encoding: chunked", bodiless=True).chunked
    assert _parse(f"{OK}\r\nContent-Length: 5", bodiless=True).length == 5


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"{OK}\r\nContent-Length: 5", True),
        (f"{OK}\r\nTransfer-Encoding: chunked", True),
        (OK, False),
        (f"{OK}\r\nContent-Length: 5\r\nConnection: close", False),
        (f"{OK}\r\nContent-Length: 5\r\nConnection: x, Close", False),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive", False),
    ],
)
def test_which_connections_may_be_used_again(text: str, kept: bool) -> None:
    assert _parse(text).keeps_alive is kept


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes 0-9/10", (0, 10, 10)),
        ("bytes 5-5/10", (5, 6, 10)),
        ("bytes 0-10/10", None),
        ("bytes 5-4/10", None),
        ("bytes 0-9/*", None),
        ("bytes */10", None),
        ("bytes=0-9/10", None),
        ("items 0-9/10", None),
        ("bytes -1-9/10", None),
        ("bytes 0-9/10, bytes 0-9/10", None),
        ("", None),
    ],
)
def test_which_part_a_206_brings(value: str, expected: tuple[int, int, int] | None) -> None:
    assert _parse(f"HTTP/1.1 206 X\r\nContent-Range: {value}").content_range() == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5),
        ("0", 0),
        ("999999", 3600),
        ("-5", None),
        ("1e9", None),
        ("Tue, 1 Jan", None),
        ("9" * 12, None),
        ("", None),
    ],
)
def test_how_long_an_upstream_asks_to_be_left_alone(value: str, expected: int | None) -> None:
    assert _parse(f"HTTP/1.1 503 X\r\nRetry-After: {value}").retry_after_s() == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 37),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 37),
        ("Sun Nov  6 08:49:37 1994", 37),
        ("Sun, 06 Nov 1994 08:48:00 GMT", 0),  # it is over
        ("Sun, 06 Nov 2094 08:49:37 GMT", 3600),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 99999999999 08:49:37 GMT", None),
        ("tomorrow", None),
    ],
)
def test_a_date_until_which_it_wants_to_be_left_alone_counts_from_the_answers_own_date(
    value: str, expected: int | None
) -> None:
    date = "Date: Sun, 06 Nov 1994 08:49:00 GMT\r\n"
    answer = _parse(f"HTTP/1.1 503 X\r\n{date}Retry-After: {value}")

    assert answer.retry_after_s(lambda: 0.0) == expected


@pytest.mark.parametrize("date", ["", "Date: yesterday\r\n"])
def test_without_a_date_of_the_answer_it_counts_from_our_clock(date: str) -> None:
    answer = _parse(f"HTTP/1.1 503 X\r\n{date}Retry-After: Thu, 01 Jan 1970 00:01:40 GMT")

    assert answer.retry_after_s(lambda: 88.5) == 12
