"""After a reload: which question counts, and how long the keys of an upstream stay good that is asked no more."""

from __future__ import annotations

import asyncio

import pytest
from doubles.discovery_world import NEW, OLD, A, B, World, run, started
from dtr_content_cache.upstream.discovery import REFRESH_EVERY_S
from dtr_content_cache.upstream.response_head import HopFailed
from dtr_content_cache.values.events import DiscoveryRefreshed


def test_what_was_remembered_is_stale_until_an_upstream_answers() -> None:
    async def story(world: World) -> None:
        world.disk = OLD
        world.answers = {
            A: HopFailed("certificate verify failed", tls=True),
            B: HopFailed("no connection"),
        }
        assert world.keeper.stale == "no upstream has answered yet"
        async with started(world):
            await world.wait_of_schedule()
            assert world.keeper.document == OLD
            assert world.keeper.stale == (
                "https://a.example.com: certificate verify failed (judged by /certs/ca.pem); "
                "https://b.example.com: no connection"
            )
            world.answers[B] = OLD
            await world.wait_of_schedule()
            await world.waits.get()
            assert world.keeper.stale is None

    run(story)


def test_a_question_that_was_under_way_when_the_authorities_changed_proves_nothing() -> None:
    async def story(world: World) -> None:
        world.gate = asyncio.Event()
        before = asyncio.ensure_future(world.keeper.refresh())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        world.keeper.ask_anew("the authorities changed")
        world.answers[A] = HopFailed("certificate verify failed", tls=True)
        world.gate.set()

        assert not await before

        assert len(world.asked) == 2
        assert world.keeper.document is None
        assert world.keeper.stale is not None

    run(story)


def test_a_question_that_never_ends_is_outrun_by_the_next_and_all_who_wait_hear_that() -> None:
    async def story(world: World) -> None:
        async with started(world):
            await world.wait_of_schedule()
            world.gate = asyncio.Event()
            world.clock.advance(REFRESH_EVERY_S)
            waiting = asyncio.ensure_future(world.keeper.refresh_for_unknown_key())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert len(world.asked) == 2  # the schedule's, which it joins

            world.answers, world.gate = {B: NEW}, None
            world.keeper.ask_anew("the configuration changed")

            assert await waiting
            assert world.kids()[1] == ["new"]
            assert world.asked[2][0] == B
            assert world.keeper.stale is None

    run(story)


@pytest.mark.parametrize("recalled", [False, True])
def test_when_others_are_asked_in_its_place_and_none_answers_no_key_is_good(recalled) -> None:
    async def story(world: World) -> None:
        if recalled:
            world.disk, world.answers = OLD, {A: HopFailed("down")}
        async with started(world):
            await world.wait_of_schedule()
            assert world.kids()[-1] == ["old"]

            world.answers = {B: HopFailed("down")}
            world.keeper.ask_anew("the configuration changed")

            assert await world.wait_of_schedule() == 1  # the schedule begins anew
            assert world.kids()[-1] == []
            assert world.keeper.document is None
            assert world.told(DiscoveryRefreshed)[-1].problem.endswith("there is none to fall back on")
            assert await world.wait_of_schedule() == 2
            world.answers = {B: NEW}
            await world.wait_of_schedule()
            assert world.kids()[-1] == ["new"]

    run(story)


def test_what_it_gave_stays_in_use_while_it_is_among_those_that_are_asked() -> None:
    async def story(world: World) -> None:
        async with started(world):
            await world.wait_of_schedule()
            world.answers = {B: HopFailed("down"), A: HopFailed("down")}
            world.keeper.ask_anew("the configuration changed")

            assert not await world.keeper.refresh()
            assert world.keeper.document == OLD
            assert world.kids() == [["old"]]

    run(story)


def test_the_same_document_of_other_upstreams_is_remembered_as_theirs() -> None:
    async def story(world: World) -> None:
        await world.keeper.refresh()
        world.answers = {B: OLD}
        world.keeper.ask_anew("the configuration changed")
        await world.keeper.refresh()
        assert world.writes == 2

    run(story)
