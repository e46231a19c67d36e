"""One that has failed is asked whether it is there before a client waits for it: when, how often, what follows."""

from __future__ import annotations

import asyncio

from doubles.clock import HandMovedClock
from dtr_content_cache.delivery.attempts import Attempts
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream.response_head import HopFailed
from dtr_content_cache.upstream.turns import Turns
from dtr_content_cache.values.events import Event

ONE, TWO = Upstream("http", "one", 80), Upstream("http", "two", 80)


def _probed(answers: list[HopFailed | None]) -> tuple[Attempts, list[Upstream], list[Event]]:
    """Two upstreams, the first of which has failed and rested; `answers` are those to a probe."""
    clock, asked, events = HandMovedClock(), [], []  # type: ignore[var-annotated]

    async def probe(hop: Upstream) -> None:
        asked.append(hop)
        if answer := answers.pop(0):
            raise answer

    attempts = Attempts(Turns([ONE, TWO], clock), events.append, lambda: "", probe)
    attempts.failed(ONE, HopFailed("status 500"))
    clock.advance(100.0)
    return attempts, asked, events


def test_one_that_failed_and_rested_is_asked_beside_a_pull_whether_it_is_there() -> None:
    async def work() -> None:
        attempts, asked, _ = _probed([None])
        assert attempts.order() == [TWO, ONE]
        attempts.order()
        while not asked:
            await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert asked == [ONE], "once, however many pulls ask for the order"
        assert sorted(attempts.order(), key=lambda hop: hop.host) == [ONE, TWO]
        assert ONE not in attempts.turns.due()

    asyncio.run(work())


def test_one_that_does_not_answer_its_probe_rests_again() -> None:
    async def work() -> None:
        attempts, asked, events = _probed([HopFailed("nobody there")])
        attempts.order()
        while len(events) < 2:
            await asyncio.sleep(0)

        assert asked == [ONE]
        assert [event.reason for event in events] == ["status 500", "nobody there"]  # type: ignore[attr-defined]
        assert attempts.order() == [TWO, ONE]

    asyncio.run(work())


def test_one_that_is_configured_no_more_is_proved_to_nobody() -> None:
    async def work() -> None:
        attempts, asked, events = _probed([None, HopFailed("away")])
        attempts.order()
        attempts.turns = Turns([TWO], HandMovedClock())
        while not asked or attempts._probing:
            await asyncio.sleep(0)

        assert attempts.order() == [TWO]
        assert len(events) == 1

    asyncio.run(work())


def test_an_only_upstream_is_not_probed_for_it_is_asked_anyway() -> None:
    async def probe(hop: Upstream) -> None:
        raise AssertionError("probed")

    clock = HandMovedClock()
    attempts = Attempts(Turns([ONE], clock), lambda event: None, lambda: "", probe)
    attempts.failed(ONE, HopFailed("status 500"))
    clock.advance(100.0)

    assert attempts.turns.due() == [ONE]
    assert attempts.order() == [ONE]  # no loop runs here: a probe could not even begin


def test_without_a_probe_nobody_is_probed() -> None:
    clock = HandMovedClock()
    attempts = Attempts(Turns([ONE, TWO], clock), lambda event: None, lambda: "")
    attempts.failed(ONE, HopFailed("status 500"))
    clock.advance(100.0)

    assert attempts.turns.due() == [ONE]
    assert sorted(attempts.order(), key=lambda hop: hop.host) == [ONE, TWO]
