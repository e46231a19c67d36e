"""What a reader's request lends to the questions that are asked for its sake, and when nothing may be asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from doubles.clock import HandMovedClock
from dtr_content_cache.delivery.means import Passage
from dtr_content_cache.values.events import CircleFound
from dtr_content_cache.values.failures import CircleRefused


def test_a_passage_names_the_cache_to_those_it_is_asked_with() -> None:
    passage = Passage.along("/v2/x", 5.0, None, "cache-1", (("Authorization", "Bearer t"),))

    assert (passage.target, passage.expires_s, passage.circle) == ("/v2/x", 5.0, "")
    assert passage.headers[0] == ("Authorization", "Bearer t")
    [(name, value)] = passage.headers[1:]
    assert (name, "cache-1" in value) == ("Via", True)


def test_a_request_that_has_passed_here_before_may_ask_nobody(hangar: Any) -> None:
    [(_, via)] = Passage.along("/v2/x", 5.0, None, "cache-1").headers
    passage = Passage.along("/v2/x", 5.0, via, "cache-1")

    hangar.means.refuse_circle(Passage.along("/v2/x", 5.0, via, "cache-2"))
    assert hangar.events == []
    assert "cache-1" in passage.circle
    with pytest.raises(CircleRefused, match=r"in a circle: .*cache-1"):
        hangar.means.refuse_circle(passage)
    assert [type(event) for event in hangar.events] == [CircleFound]


@pytest.mark.parametrize(("left_s", "may_ask"), [(30.0, False), (31.0, True)])
def test_a_passage_lets_another_question_through_while_it_is_good_for_some_time(
    hangar: Any, left_s: float, may_ask: bool
) -> None:
    clock = HandMovedClock()
    means = replace(hangar.means, clock=clock)

    assert means.may_ask(Passage("/v2/x", clock.wall() + left_s)) is may_ask
