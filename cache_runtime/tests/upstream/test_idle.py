"""Which connections are used again for the next question, and which are not."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator

import pytest
from doubles.exchanges import BODY, CONTEXT, LENGTH, OK, blob_path, hop_to, new_exchanges, read
from doubles.running_cache import eventually
from doubles.upstream import Answering, Fault, Upstream, hold_after, raw
from dtr_content_cache.upstream import idle
from dtr_content_cache.upstream.ask import Ask
from dtr_content_cache.upstream.exchange import Exchanges


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


def _connections(upstream: Upstream) -> int:
    return len(upstream._sockets)


def test_a_connection_is_used_again_after_a_whole_answer(upstream: Upstream) -> None:
    exchanges = new_exchanges()
    for _ in range(5):
        assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY

    assert _connections(upstream) == 1
    exchanges.forget_idle()
    eventually(lambda: _connections(upstream) == 0)


@pytest.mark.parametrize("had_waited", [False, True])
def test_a_connection_that_was_in_use_when_all_were_forgotten_is_not_used_again(
    upstream: Upstream, had_waited: bool
) -> None:
    exchanges, ask = new_exchanges(), Ask("GET", blob_path(upstream))
    if had_waited:
        read(exchanges, upstream, ask)
    under_way = exchanges.open(hop_to(upstream), ask)
    exchanges.forget_idle()
    assert under_way.read_all(len(BODY)) == BODY
    under_way.close()

    eventually(lambda: _connections(upstream) == 0)
    for _ in range(2):
        assert read(exchanges, upstream, ask) == BODY
    assert _connections(upstream) == 1


def test_a_connection_that_is_opened_while_all_are_forgotten_is_not_used_again(upstream: Upstream) -> None:
    def context() -> ssl.SSLContext:
        """It is still the old one, and no longer when the connection is there."""
        exchanges.forget_idle()
        return CONTEXT

    exchanges = Exchanges(context, 5.0)
    assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY

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
    exchanges = new_exchanges()
    upstream.faults = [fault]
    for _ in range(3):
        assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY


def test_a_connection_that_went_dead_while_idle_costs_less_than_a_stall(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(answering: Answering) -> None:
        answering.upstream.release.wait(20)

    monkeypatch.setattr(idle, "DEAD_AFTER_S", 0.1)
    exchanges = new_exchanges(stall_s=15.0)
    assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY
    upstream.faults = [dead]
    began = time.monotonic()

    assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY
    assert time.monotonic() - began < 10
    assert len(upstream.blob_requests()) == 3


def test_a_connection_that_is_used_again_has_the_whole_stall_timeout_for_its_body(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "DEAD_AFTER_S", 0.1)
    exchanges = new_exchanges()
    assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY
    upstream.faults = [hold_after(100)]
    timer = threading.Timer(0.5, upstream.release.set)
    timer.start()

    assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY
    assert len(upstream.blob_requests()) == 2


def test_an_answer_that_was_not_read_to_its_end_gives_its_connection_to_nobody(upstream: Upstream) -> None:
    exchanges = new_exchanges()
    exchange = exchanges.open(hop_to(upstream), Ask("GET", blob_path(upstream)))
    exchange.read_into(memoryview(bytearray(10)))
    exchange.close()

    assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY


def test_what_is_left_of_an_answer_is_never_read_as_the_next_one(upstream: Upstream) -> None:
    answer_in_a_body = b"0123456789" + OK + b"Content-Length: 5\r\n\r\nWRONG"
    exchanges = new_exchanges()
    exchange = exchanges.open(hop_to(upstream), Ask("GET", blob_path(upstream, answer_in_a_body)))
    assert exchange.read_into(memoryview(bytearray(10))) == 10
    exchange.close()

    assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY


def test_an_idle_connection_is_not_kept_for_ever(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    exchanges = new_exchanges()
    assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY
    monkeypatch.setattr(idle, "AGE_S", 0.0)
    assert read(exchanges, upstream, Ask("GET", blob_path(upstream))) == BODY

    eventually(lambda: _connections(upstream) == 1)
