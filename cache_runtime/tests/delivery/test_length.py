"""The length of a blob from upstreams of every kind, without its bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from doubles.upstream import Answering, Fault, status
from dtr_content_cache.delivery.attempts import HopDenied, HopUnknown
from dtr_content_cache.delivery.length import told_length
from dtr_content_cache.upstream.response_head import HopFailed

DATA = b"layer" * 1000


def _without_length(answering: Answering) -> None:
    answering.head("200 OK", Connection="close")
    answering.sock.shutdown(2)


def _length(hangar: Any, head: Fault | None, get: Fault | None = None) -> int:
    digest = hangar.upstream.add(DATA)
    if head is not None:
        hangar.upstream.heads_of[digest] = head
    hangar.upstream.always = get
    return told_length(hangar.exchanges, hangar.hop, f"/v2/org/app/blobs/{digest}", ())


def _methods(hangar: Any) -> list[str]:
    return [asked.method for asked in hangar.upstream.asked]


def test_a_head_is_enough(hangar: Any) -> None:
    assert _length(hangar, None) == 5000
    assert _methods(hangar) == ["HEAD"]


@pytest.mark.parametrize("line", ["405 Method Not Allowed", "501 Not Implemented", "400 Bad Request", None])
def test_an_upstream_without_a_useful_head_is_asked_for_one_byte(hangar: Any, line: str | None) -> None:
    assert _length(hangar, status(line) if line else _without_length) == 5000
    assert _methods(hangar) == ["HEAD", "GET"]
    assert hangar.upstream.asked[-1].headers["range"] == "bytes=0-0"


def test_one_that_ignores_ranges_tells_it_all_the_same_and_its_bytes_are_not_read(hangar: Any) -> None:
    def whole(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=len(DATA))

    assert _length(hangar, status("405 No"), whole) == 5000


@pytest.mark.parametrize(
    ("head", "raised"),
    [
        (status("404 Not Found"), HopUnknown),
        (status("403 Forbidden"), HopDenied),
        (status("500 Oops"), HopFailed),
        (status("206 Partial Content"), HopFailed),
    ],
)
def test_what_is_no_length_is_what_the_status_says(
    hangar: Any, head: Callable[[Answering], None], raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        _length(hangar, head)
