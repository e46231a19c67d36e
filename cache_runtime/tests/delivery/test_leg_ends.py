"""What a leg that has ended leaves behind."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from typing import Any

import pytest
from doubles.written_answer import WrittenAnswer
from dtr_content_cache.delivery.leg import Leg
from dtr_content_cache.upstream.response_head import HopFailed, ResponseHead

DATA = random.Random(62).randbytes(200_000)


def test_a_leg_that_has_ended_aborts_no_connection_that_another_has_taken_over(hangar: Any) -> None:
    digest = hangar.upstream.add(DATA)
    leg, filling = Leg(0, None, main=True), hangar.filling(digest, len(DATA))
    means = hangar.means
    how = means.throttle, lambda total: filling, True, lambda: True
    leg.fetch(means.exchanges, hangar.hop, (f"/v2/x/blobs/{digest}", ()), *how)

    assert leg._exchange is None
    leg.abort()
    assert filling.verdict()


def test_a_leg_that_is_given_up_as_its_exchange_ends_breaks_no_connection_that_another_may_have_by_then(
    hangar: Any,
) -> None:
    body, reads, goes_on = DATA, threading.Event(), threading.Event()
    answer = WrittenAnswer(ResponseHead(200, 1, (), len(body), False), body)
    leg, filling = Leg(0, None, main=True), hangar.filling(hangar.upstream.add(body), len(body))
    passage, how = ("/v2/x", ()), (hangar.means.throttle, lambda total: filling, True, lambda: True)

    def hold(view: memoryview) -> None:
        reads.set()
        goes_on.wait(10)

    def abort() -> None:
        """The thread comes to the exchange's end before the connection is broken off."""
        goes_on.set()
        thread.join(0.2)
        answer.ends.append("abort")

    answer.before_each, answer.abort = hold, abort  # type: ignore[method-assign]

    def fetch() -> None:
        with suppress(HopFailed):
            leg.fetch(answer, hangar.hop, passage, *how)  # type: ignore[arg-type]

    thread = threading.Thread(target=fetch)
    thread.start()
    reads.wait(10)
    leg.abort()
    thread.join(10)

    assert answer.ends == ["abort", "close"]


def test_a_leg_that_is_given_up_between_two_pieces_takes_no_other(hangar: Any) -> None:
    class GivenUp(Leg):
        """Given up right after its answer was accepted."""

        looks = 0

        @property
        def aborted(self) -> bool:
            self.looks += 1
            return self.looks > 1

        @aborted.setter
        def aborted(self, value: bool) -> None:
            pass

    digest = hangar.upstream.add(DATA)
    leg, filling, means = GivenUp(0, None, main=True), hangar.filling(digest, len(DATA)), hangar.means
    passage = (f"/v2/x/blobs/{digest}", ())
    with pytest.raises(HopFailed, match="given up"):
        leg.fetch(means.exchanges, hangar.hop, passage, means.throttle, lambda total: filling, True, lambda: True)
    assert filling.present_bytes() == 0
