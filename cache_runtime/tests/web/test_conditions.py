"""What `Range` and `If-…` ask of a blob, on values alone."""

from __future__ import annotations

import pytest
from dtr_content_cache.values.byte_range import ByteRange
from dtr_content_cache.web.conditions import (
    CONDITIONAL_HEADERS,
    client_has_it,
    precondition_fails,
    wanted_pieces,
)
from dtr_content_cache.web.request_head import Request

DIGEST = "sha256:" + "5a" * 32
TAG = f'"{DIGEST}"'


def asking(**headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("GET", "/", "", named, True, False)


@pytest.mark.parametrize(
    ("header", "has"),
    [(None, False), (TAG, True), (f"W/{TAG}", True), (f'"a", {TAG} ', True), ("*", True), ('"a"', False), ("", False),
     (DIGEST, False)],
)  # fmt: skip
def test_if_none_match_says_whether_the_client_has_it(header: str | None, has: bool) -> None:
    assert client_has_it(asking(**({"if_none_match": header} if header is not None else {})), DIGEST) is has


@pytest.mark.parametrize(
    ("header", "fails"),
    [(None, False), (TAG, False), (f'"a",{TAG}', False), (" * ", False), ('"a"', True), (f"W/{TAG}", True), ("", True)],
)
def test_if_match_holds_by_the_strong_tag_only(header: str | None, fails: bool) -> None:
    assert precondition_fails(asking(**({"if_match": header} if header is not None else {})), DIGEST) is fails


@pytest.mark.parametrize("if_range", ['"another"', f"W/{TAG}", "Tue, 24 Nov 2026 08:00:00 GMT"])
def test_a_range_of_another_version_is_the_whole_blob(if_range: str) -> None:
    asked = asking(range="bytes=1-2", if_range=if_range)

    assert wanted_pieces(asked, DIGEST, 10) == ([ByteRange(0, 10)], False)
    assert wanted_pieces(asking(range="bytes=1-2", if_range=TAG), DIGEST, 10) == ([ByteRange(1, 3)], True)


def test_a_range_beyond_the_end_is_no_piece_and_an_empty_blob_is_whole() -> None:
    assert wanted_pieces(asking(range="bytes=10-"), DIGEST, 10) == ([], True)
    assert wanted_pieces(asking(range="bytes=10-"), DIGEST, 0) == ([ByteRange(0, 0)], False)


def test_every_header_that_is_read_here_is_named_as_conditional() -> None:
    """The quick way leaves requests with these alone; one that it did not know would be passed over."""

    class Watched(dict[str, str]):
        def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
            seen.add(name)
            return default

    seen: set[str] = set()
    request = Request("GET", "/", "", Watched(), True, False)
    for look in (client_has_it, precondition_fails):
        look(request, DIGEST)
    wanted_pieces(request, DIGEST, 10)

    assert seen == CONDITIONAL_HEADERS
