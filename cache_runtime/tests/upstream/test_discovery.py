"""When the discovery document is asked for, which one is kept, and who is told."""

from __future__ import annotations

import asyncio

import pytest
from doubles.discovery_world import ELSEWHERE, NEW, OLD, A, B, World, run, started
from doubles.signing import Signer, discovery_document
from dtr_content_cache.upstream.discovery import REFRESH_EVERY_S, RETRY_LIMIT_S
from dtr_content_cache.upstream.response_head import HopFailed
from dtr_content_cache.values.events import DiscoveryRefreshed, Fault, StorageTrouble, UpstreamFailed
from dtr_content_cache.values.failures import StorageBroken


def test_the_first_document_is_adopted_relayed_and_remembered() -> None:
    async def story(world: World) -> None:
        assert world.keeper.document is None
        assert world.keeper.age_s is None
        assert await world.keeper.refresh()
        assert world.asked == [(A, "/.well-known/dtr-content-cache")]
        assert world.keeper.document == OLD == world.disk
        assert world.kids() == [["old"]]
        assert world.events == [DiscoveryRefreshed("https://dtr.example.com", 1)]
        world.clock.advance(7)
        assert world.keeper.age_s == 7

    run(story)


def test_a_restart_while_every_upstream_is_down_goes_on_with_the_remembered_keys() -> None:
    async def story(world: World) -> None:
        world.disk, world.answers = OLD, {A: HopFailed("no connection: refused")}
        async with started(world):
            assert world.kids() == [["old"]]  # before any upstream was asked
            assert world.events == [DiscoveryRefreshed("https://dtr.example.com", 1, recalled=True)]
            assert await world.wait_of_schedule() == 30
            assert world.keeper.document == OLD
            assert world.keeper.age_s is None
            assert world.told(DiscoveryRefreshed)[-1].problem.endswith("the last good document stays in use")

    run(story)


@pytest.mark.parametrize("disk", [b"", b"{", b"\0" * 100, OLD[:-5], StorageBroken("reading: EIO")])
def test_a_remembered_document_that_is_damaged_is_passed_over(disk) -> None:
    async def story(world: World) -> None:
        world.disk = disk
        async with started(world):
            await world.wait_of_schedule()
            assert world.kids() == [["old"]]
            assert "the remembered document is not usable" in world.events[0].problem
            assert world.keeper.document == OLD

    run(story)


def test_the_document_is_asked_for_every_five_minutes() -> None:
    async def story(world: World) -> None:
        async with started(world):
            assert [await world.wait_of_schedule() for _ in range(3)] == [300] * 3

    run(story)


def test_without_any_document_it_is_asked_for_ever_less_often_down_to_every_30_seconds() -> None:
    async def story(world: World) -> None:
        world.answers = {A: HopFailed("down")}
        async with started(world):
            assert [await world.wait_of_schedule() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
            world.answers = {A: OLD}
            assert await world.wait_of_schedule() == 300

    run(story)


def test_a_key_that_left_the_document_is_gone_with_the_next_refresh() -> None:
    async def story(world: World) -> None:
        async with started(world):
            await world.wait_of_schedule()
            world.answers = {A: NEW}
            await world.wait_of_schedule()
            assert world.kids() == [["old"], ["new"]]
            assert world.disk == NEW

    run(story)


def test_the_disk_is_written_only_when_the_document_changed() -> None:
    async def story(world: World) -> None:
        world.disk = OLD
        async with started(world):
            for _ in range(3):
                await world.wait_of_schedule()
            assert world.writes == 0
            world.answers = {A: NEW}
            for _ in range(3):
                await world.wait_of_schedule()
            assert world.writes == 1

    run(story)


def test_a_disk_that_does_not_take_it_is_told_and_tried_again() -> None:
    async def story(world: World) -> None:
        world.disk = StorageBroken("writing: ENOSPC")
        assert await world.keeper.refresh()
        assert world.keeper.document == OLD
        assert world.told(StorageTrouble) == [StorageTrouble("remembering", "writing: ENOSPC")]
        world.disk = None
        assert await world.keeper.refresh()
        assert world.disk == OLD

    run(story)


def test_the_next_upstream_is_asked_when_one_fails_or_talks_nonsense() -> None:
    async def story(world: World) -> None:
        for failure in (HopFailed("down"), b"-----BEGIN CERTIFICATE-----", b"<html>"):
            world.answers = {A: failure, B: OLD}
            assert await world.keeper.refresh()
        assert [upstream for upstream, _ in world.asked] == [A, B] * 3
        reasons = [event.reason for event in world.told(UpstreamFailed)]
        assert reasons[0] == "discovery: down"
        assert reasons[1].startswith("discovery: found PEM, which looks like another version's answer")
        assert {event.hop for event in world.told(UpstreamFailed)} == {A.url}

    run(story)


def test_a_refused_certificate_is_told_with_the_authorities_it_was_judged_by() -> None:
    async def story(world: World) -> None:
        world.answers = {A: HopFailed("its certificate is not accepted", tls=True), B: HopFailed("down")}
        assert not await world.keeper.refresh()
        assert [event.consulted for event in world.told(UpstreamFailed)] == ["/certs/ca.pem", ""]

    run(story)


def test_a_bad_document_never_replaces_a_good_one() -> None:
    async def story(world: World) -> None:
        await world.keeper.refresh()
        for bad in (b"", b"{}", discovery_document(), discovery_document(Signer("EdDSA").jwk(), version=2)):
            world.answers = {A: bad}
            assert not await world.keeper.refresh()
        assert world.keeper.document == OLD == world.disk
        assert world.kids() == [["old"]]

    run(story)


def test_a_changed_origin_is_told_as_a_problem() -> None:
    async def story(world: World) -> None:
        world.disk, world.answers = OLD, {A: ELSEWHERE}
        async with started(world):
            await world.wait_of_schedule()
            changed = world.told(DiscoveryRefreshed)[-1]
            assert changed.origin == "https://elsewhere.example.com"
            assert "changed from https://dtr.example.com to https://elsewhere.example.com" in changed.problem
            assert world.adopted[-1].keys.origin == "https://elsewhere.example.com"

    run(story)


def test_an_unknown_key_asks_at_once_but_at_most_every_ten_seconds() -> None:
    async def story(world: World) -> None:
        assert await world.keeper.refresh_for_unknown_key()
        assert not await world.keeper.refresh_for_unknown_key()
        world.clock.advance(9.9)
        assert not await world.keeper.refresh_for_unknown_key()
        world.clock.advance(0.1)
        world.answers = {A: NEW}
        assert await world.keeper.refresh_for_unknown_key()
        assert world.kids() == [["old"], ["new"]]
        assert len(world.asked) == 2

    run(story)


def test_failed_questions_count_for_the_ten_seconds_too() -> None:
    async def story(world: World) -> None:
        world.answers = {A: HopFailed("down")}
        for _ in range(50):
            assert not await world.keeper.refresh_for_unknown_key()
        assert len(world.asked) == 1

    run(story)


def test_setting_the_clock_does_not_open_the_ten_seconds() -> None:
    async def story(world: World) -> None:
        await world.keeper.refresh_for_unknown_key()
        world.clock.set_wall(world.clock.wall() + 86400)
        assert not await world.keeper.refresh_for_unknown_key()

    run(story)


def test_many_who_ask_at_once_share_one_question() -> None:
    async def story(world: World) -> None:
        world.gate = asyncio.Event()
        asking = [asyncio.ensure_future(world.keeper.refresh_for_unknown_key()) for _ in range(20)]
        asking += [asyncio.ensure_future(world.keeper.refresh()) for _ in range(20)]
        await asyncio.sleep(0)
        world.gate.set()
        assert await asyncio.gather(*asking) == [True] * 40
        assert len(world.asked) == 1

    run(story)


def test_one_who_leaves_does_not_end_the_question_of_the_others() -> None:
    async def story(world: World) -> None:
        world.gate = asyncio.Event()
        leaving = asyncio.ensure_future(world.keeper.refresh_for_unknown_key())
        staying = asyncio.ensure_future(world.keeper.refresh_for_unknown_key())
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        world.gate.set()
        assert await staying
        assert len(world.asked) == 1

    run(story)


def test_a_fault_in_fetching_is_told_and_does_not_end_the_schedule() -> None:
    async def story(world: World) -> None:
        world.answers = {A: ZeroDivisionError("a bug")}
        async with started(world):
            await world.wait_of_schedule()
            assert "ZeroDivisionError" in world.told(Fault)[0].traceback
            world.answers = {A: OLD}
            assert await world.wait_of_schedule() == 300
            assert world.keeper.document == OLD

    run(story)


def test_stopping_ends_every_task_even_in_the_middle_of_a_question() -> None:
    async def story(world: World) -> None:
        world.gate = asyncio.Event()
        before = asyncio.all_tasks()
        world.keeper.start()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(world.asked) == 1
        await world.keeper.stop()
        assert asyncio.all_tasks() == before

    run(story)


def test_clocks_that_disagree_are_told_before_anybody_is_refused_for_it() -> None:
    async def story(world: World) -> None:
        world.dates_s[A] = world.clock.wall() + 364
        async with started(world):
            assert await world.wait_of_schedule() == RETRY_LIMIT_S
            assert "its clock is 364 s ahead of this host's" in (world.keeper.stale or "")
            assert world.told(DiscoveryRefreshed)[-1].problem == world.keeper.stale
            assert world.keeper.document == OLD

            world.dates_s[A] = world.clock.wall() + 2
            assert await world.wait_of_schedule() == REFRESH_EVERY_S
            assert world.keeper.stale is None

    run(story)
