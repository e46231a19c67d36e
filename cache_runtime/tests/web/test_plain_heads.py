"""Which bytes are read as one plain GET of a blob, and which of them are remembered."""

from __future__ import annotations

import pytest
from doubles.warm_office import HOST
from dtr_content_cache.web.quick_hit import read_plain


@pytest.mark.parametrize(
    "fields",
    [b"Range: bytes=0-9,12-13", b"Range: bytes=0-9\r\nIf-Range: x", b'If-None-Match: "x"', b'If-Match: "x"',
     b'If-Range: "x"', b"Connection: close", b"Content-Length: 1"],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_ordinary_way(fields: bytes) -> None:
    head = b"GET /v2/org/app/blobs/sha256:" + b"0" * 64 + b" HTTP/1.1\r\n" + HOST

    assert read_plain(head + b"\r\n", "") is not None
    assert read_plain(head + fields + b"\r\n\r\n", "") is None


@pytest.mark.parametrize("change", [
    lambda head: head.replace(b"GET", b"HEAD"), lambda head: head.replace(b"1.1", b"1.0"),
    lambda head: head.replace(b"\r\n", b"\n"), lambda head: head[:-2], lambda head: head + b"\r\n",
    lambda head: head * 2, lambda head: head.replace(b"sha256", b"sha512"), lambda head: head.replace(b"/v2", b"/v3"),
    lambda head: b"GET /" + b"x" * 8000 + head[5:], lambda head: head.replace(HOST, b""),
])  # fmt: skip
def test_bytes_that_are_not_exactly_one_plain_head_are_not_read_as_one(change) -> None:
    head = b"GET /v2/org/app/blobs/sha256:" + b"0" * 64 + b" HTTP/1.1\r\n" + HOST + b"\r\n"

    assert read_plain(change(head), "") is None


def test_only_plain_heads_without_credentials_of_their_own_are_remembered() -> None:
    head = b"GET /v2/org/app/blobs/sha256:" + b"0" * 64 + b" HTTP/1.1\r\n" + HOST
    known = head + b"X: remembered\r\n\r\n"
    secret = head + b"aUTHORIZATION: Basic YTpi\r\n\r\n"

    assert read_plain(known, "") is read_plain(known, "")
    assert read_plain(secret, "") == read_plain(secret, "")
    assert read_plain(secret, "") is not read_plain(secret, "")


def test_what_is_remembered_of_a_head_serves_every_part_of_its_blob() -> None:
    head = b"GET /v2/org/app/blobs/sha256:" + b"0" * 64 + b" HTTP/1.1\r\n" + HOST + b"Range: bytes=%b\r\nX: y\r\n\r\n"

    found = {asked: read_plain(head % asked, "") for asked in (b"0-9", b"10-", b"-7")}

    assert [plain.part for plain in found.values()] == [(0, 9), (10, None), (None, 7)]
    assert len({id(plain.request) for plain in found.values()}) == 1
    assert "range" not in found[b"10-"].request.headers


@pytest.mark.parametrize(
    "line",
    [b"Range: bytes=0-9\r\nRange: bytes=0-9", b"Range: bytes=0-9\r\nrange: bytes=0-9", b"Range: bytes=9-0",
     b"Range: bytes=-", b"Range: items=0-9", b"Range: bytes=0-9 ", b"Range: bytes=" + b"1" * 20 + b"-",
     b"Range: bytes=0-9\r\n" + b"X: y\r\n" * 99 + b"Y: z"],
)  # fmt: skip
def test_a_range_that_is_written_otherwise_is_left_to_the_ordinary_way(line: bytes) -> None:
    head = b"GET /v2/org/app/blobs/sha256:" + b"0" * 64 + b" HTTP/1.1\r\n" + HOST

    assert read_plain(head + line + b"\r\n\r\n", "") is None


@pytest.mark.parametrize("rest", [b"\r\nRange: bytes=0-9\r\n", b"\r\r\nRange: bytes=0-9\n", b"Range: bytes=0-9\r\n"])
def test_a_range_line_behind_a_heads_end_or_of_a_head_without_end_is_not_taken_for_the_requests(rest: bytes) -> None:
    head = b"GET /v2/org/app/blobs/sha256:" + b"0" * 64 + b" HTTP/1.1\r\n" + HOST

    assert read_plain(head + rest, "") is None


def test_the_operators_prefix_belongs_before_the_path() -> None:
    path = b"/v2/org/app/blobs/sha256:" + b"0" * 64
    inside = b"GET /office" + path + b" HTTP/1.1\r\n" + HOST + b"\r\n"

    found = read_plain(inside, "/office")
    assert found is not None
    assert found.address.repository == "org/app"
    assert read_plain(inside, "") is None
    assert read_plain(inside.replace(b"/office", b""), "/office") is None
