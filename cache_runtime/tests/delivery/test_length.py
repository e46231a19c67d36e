"""The length of a blob from upstreams of every kind, without its bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from doubles.upstream import Answering, Fault, status
from dtr_content_cache.delivery import length
from dtr_content_cache.delivery.attempts import Attempts, HopDenied, HopUnknown
from dtr_content_cache.delivery.length import is_told_shorter, told_length
from dtr_content_cache.delivery.means import Passage
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream.ask import Ask
from dtr_content_cache.upstream.response_head import HopFailed, ResponseHead
from dtr_content_cache.upstream.turns import Turns
from dtr_content_cache.values.clock import SystemClock
from dtr_content_cache.values.events import UpstreamFailed

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


class _Exchanges:
    """Answers with these heads, one after the other; notes what was asked, and how many connections were closed."""

    def __init__(self, *heads: ResponseHead) -> None:
        self._heads = list(heads)
        self.asked: list[Ask] = []
        self.closed = 0

    def open(self, hop: Upstream, ask: Ask) -> Any:
        self.asked.append(ask)
        return SimpleNamespace(head=self._heads.pop(0), close=self._close)

    def _close(self) -> None:
        self.closed += 1


def _head(status: int, **headers: str) -> ResponseHead:
    return ResponseHead(status, 1, tuple((name.replace("_", "-"), text) for name, text in headers.items()), None, False)


def _methods(hangar: Any) -> list[str]:
    return [asked.method for asked in hangar.upstream.asked]


def test_a_head_is_enough(hangar: Any) -> None:
    assert _length(hangar, None) == 5000
    assert _methods(hangar) == ["HEAD"]


@pytest.mark.parametrize(
    "line", ["401 Unauthorized", "405 Method Not Allowed", "501 Not Implemented", "400 Bad Request", None]
)
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


def test_both_questions_may_be_sent_on_to_where_the_blobs_are_and_leave_no_connection() -> None:
    exchanges, headers = _Exchanges(_head(405), _head(206, content_range="bytes 0-0/77")), (("Via", "1.1 cache"),)

    assert told_length(exchanges, Upstream("http", "one", 80), "/v2/x", headers) == 77  # type: ignore[arg-type]
    assert exchanges.asked == [
        Ask("HEAD", "/v2/x", headers=headers, for_blob=True),
        Ask("GET", "/v2/x", 0, 1, headers, for_blob=True),
    ]
    assert exchanges.closed == 2


def test_a_head_that_says_no_is_believed_though_it_says_no_length() -> None:
    exchanges = _Exchanges(_head(404))
    with pytest.raises(HopUnknown):
        told_length(exchanges, Upstream("http", "one", 80), "/v2/x", ())  # type: ignore[arg-type]

    assert len(exchanges.asked) == 1


ONE, TWO, THREE = (Upstream("http", name, 80) for name in ("one", "two", "three"))
TARGET = f"/v2/org/app/blobs/sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("told", "is_shorter", "asked"),
    [
        ({TWO: 99}, True, [TWO]),
        ({TWO: 100, THREE: 101}, False, [TWO, THREE]),
        ({TWO: 100, THREE: 99}, True, [TWO, THREE]),
        ({TWO: HopUnknown(), THREE: 99}, True, [TWO, THREE]),
        ({TWO: HopDenied(), THREE: HopUnknown()}, False, [TWO, THREE]),
        ({TWO: HopFailed("reset"), THREE: 99}, True, [TWO, THREE]),
    ],
)
def test_the_others_are_asked_one_by_one_until_somebody_says_a_shorter_length(
    hangar: Any, monkeypatch: pytest.MonkeyPatch, told: dict[Upstream, Any], is_shorter: bool, asked: list[Upstream]
) -> None:
    assert _shorter(hangar, monkeypatch, Turns([ONE, TWO, THREE], SystemClock()), told) == (is_shorter, asked)
    failed = [event.hop for event in hangar.events if isinstance(event, UpstreamFailed)]
    assert failed == [hop.url for hop, answer in told.items() if isinstance(answer, HopFailed)]


@pytest.mark.parametrize("limited", [True, False])
def test_whoever_is_not_well_or_wants_to_be_left_alone_is_not_asked_for_a_second_word(
    hangar: Any, monkeypatch: pytest.MonkeyPatch, limited: bool
) -> None:
    turns = Turns([ONE, TWO, THREE], SystemClock())
    turns.failed(TWO, 60.0, limited=limited)
    if limited:
        turns.succeeded(TWO)  # another transfer was under way

    assert _shorter(hangar, monkeypatch, turns, {TWO: 99, THREE: 100}) == (False, [THREE])


def _shorter(
    hangar: Any, monkeypatch: pytest.MonkeyPatch, turns: Turns, told: dict[Upstream, Any]
) -> tuple[bool, list[Upstream]]:
    """Than 100, apart from ONE; and who was asked."""
    asked: list[Upstream] = []

    def tell(exchanges: Any, hop: Upstream, target: str, headers: tuple[tuple[str, str], ...]) -> int:
        assert (exchanges, target, headers) == (hangar.exchanges, TARGET, (("Via", "1.1 cache"),))
        asked.append(hop)
        if isinstance(told[hop], Exception):
            raise told[hop]
        return int(told[hop])

    monkeypatch.setattr(length, "told_length", tell)
    means = replace(hangar.means, attempts=Attempts(turns, hangar.events.append, lambda: ""))
    passage = Passage(TARGET, 0.0, (("Via", "1.1 cache"),))
    return asyncio.run(is_told_shorter(means, passage, 100, {ONE})), asked
