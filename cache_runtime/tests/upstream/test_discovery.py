"""When the discovery document is asked for, which one is kept, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from doubles.clock import HandMovedClock
from doubles.signing import Signer, discovery_document
from dtr_content_cache.admission import Discovery
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream.discovery import DiscoveryKeeper
from dtr_content_cache.upstream.response_head import HopFailed
from dtr_content_cache.values.events import DiscoveryRefreshed, Event, Fault, StorageTrouble, UpstreamFailed
from dtr_content_cache.values.failures import StorageBroken

A, B = (Upstream("https", f"{name}.example.com", 443) for name in "ab")
OLD = discovery_document(Signer("EdDSA", kid="old").jwk())
NEW = discovery_document(Signer("EdDSA", kid="new").jwk())
ELSEWHERE = discovery_document(Signer("EdDSA").jwk(), origin="https://elsewhere.example.com")
Answer = bytes | Exception


class World:
    """Upstreams that answer as told, a disk of one file, and a schedule that moves when the test says so."""

    def __init__(self) -> None:
        self.clock = HandMovedClock()
        self.answers: dict[Upstream, Answer] = {A: OLD}
        self.gate: asyncio.Event | None = None  # while set and unset, questions wait
        self.asked: list[tuple[Upstream, str]] = []
        self.disk: bytes | Exception | None = None
        self.writes = 0
        self.adopted: list[Discovery] = []
        self.events: list[Event] = []
        self.waits: asyncio.Queue[tuple[float, asyncio.Future[None]]] = asyncio.Queue()
        self.keeper = DiscoveryKeeper(
            lambda: list(self.answers), self.fetch, self.recall, self.remember, self.adopted.append, self.clock,
            self.events.append, consulted=lambda: "/certs/ca.pem", pause=self.pause, jitter=lambda: 1.0,
        )  # fmt: skip

    async def fetch(self, upstream: Upstream, path: str) -> bytes:
        self.asked.append((upstream, path))
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers[upstream]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def recall(self) -> bytes | None:
        if isinstance(self.disk, Exception):
            raise self.disk
        return self.disk

    def remember(self, raw: bytes) -> None:
        if isinstance(self.disk, Exception):
            raise self.disk
        self.writes += 1
        self.disk = raw

    def pause(self, seconds: float) -> Awaitable[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waits.put_nowait((seconds, future))
        return future

    async def wait_of_schedule(self) -> float:
        """Let the schedule ask; the seconds that it then waits. They have passed for the next call."""
        seconds, future = await self.waits.get()
        self.clock.advance(seconds)
        future.set_result(None)
        return seconds

    def kids(self) -> list[list[str]]:
        return [list(discovery.keys.keys) for discovery in self.adopted]

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if type(event) is kind]


@asynccontextmanager
async def started(world: World):
    world.keeper.start()
    try:
        yield world
    finally:
        await world.keeper.stop()


@pytest.fixture
def run() -> Callable[[Callable[[World], Awaitable[None]]], None]:
    def in_a_world(story: Callable[[World], Awaitable[None]]) -> None:
        async def tell() -> None:
            await asyncio.wait_for(story(World()), 10)

        asyncio.run(tell())

    return in_a_world


def test_the_first_document_is_adopted_relayed_and_remembered(run) -> None:
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


def test_a_restart_while_every_upstream_is_down_goes_on_with_the_remembered_keys(run) -> None:
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
def test_a_remembered_document_that_is_damaged_is_passed_over(run, disk) -> None:
    async def story(world: World) -> None:
        world.disk = disk
        async with started(world):
            await world.wait_of_schedule()
            assert world.kids() == [["old"]]
            assert "the remembered document is not usable" in world.events[0].problem
            assert world.keeper.document == OLD

    run(story)


def test_the_document_is_asked_for_every_five_minutes(run) -> None:
    async def story(world: World) -> None:
        async with started(world):
            assert [await world.wait_of_schedule() for _ in range(3)] == [300] * 3

    run(story)


def test_without_any_document_it_is_asked_for_ever_less_often_down_to_every_30_seconds(run) -> None:
    async def story(world: World) -> None:
        world.answers = {A: HopFailed("down")}
        async with started(world):
            assert [await world.wait_of_schedule() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
            world.answers = {A: OLD}
            assert await world.wait_of_schedule() == 300

    run(story)


def test_a_key_that_left_the_document_is_gone_with_the_next_refresh(run) -> None:
    async def story(world: World) -> None:
        async with started(world):
            await world.wait_of_schedule()
            world.answers = {A: NEW}
            await world.wait_of_schedule()
            assert world.kids() == [["old"], ["new"]]
            assert world.disk == NEW

    run(story)


def test_the_disk_is_written_only_when_the_document_changed(run) -> None:
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


def test_a_disk_that_does_not_take_it_is_told_and_tried_again(run) -> None:
    async def story(world: World) -> None:
        world.disk = StorageBroken("writing: ENOSPC")
        assert await world.keeper.refresh()
        assert world.keeper.document == OLD
        assert world.told(StorageTrouble) == [StorageTrouble("remembering", "writing: ENOSPC")]
        world.disk = None
        assert await world.keeper.refresh()
        assert world.disk == OLD

    run(story)


def test_the_next_upstream_is_asked_when_one_fails_or_talks_nonsense(run) -> None:
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


def test_a_refused_certificate_is_told_with_the_authorities_it_was_judged_by(run) -> None:
    async def story(world: World) -> None:
        world.answers = {A: HopFailed("its certificate is not accepted", tls=True), B: HopFailed("down")}
        assert not await world.keeper.refresh()
        assert [event.consulted for event in world.told(UpstreamFailed)] == ["/certs/ca.pem", ""]

    run(story)


def test_a_bad_document_never_replaces_a_good_one(run) -> None:
    async def story(world: World) -> None:
        await world.keeper.refresh()
        for bad in (b"", b"{}", discovery_document(), discovery_document(Signer("EdDSA").jwk(), version=2)):
            world.answers = {A: bad}
            assert not await world.keeper.refresh()
        assert world.keeper.document == OLD == world.disk
        assert world.kids() == [["old"]]

    run(story)


def test_a_changed_origin_is_told_as_a_problem(run) -> None:
    async def story(world: World) -> None:
        world.disk, world.answers = OLD, {A: ELSEWHERE}
        async with started(world):
            await world.wait_of_schedule()
            changed = world.told(DiscoveryRefreshed)[-1]
            assert changed.origin == "https://elsewhere.example.com"
            assert "changed from https://dtr.example.com to https://elsewhere.example.com" in changed.problem
            assert world.adopted[-1].keys.origin == "https://elsewhere.example.com"

    run(story)


def test_an_unknown_key_asks_at_once_but_at_most_every_ten_seconds(run) -> None:
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


def test_failed_questions_count_for_the_ten_seconds_too(run) -> None:
    async def story(world: World) -> None:
        world.answers = {A: HopFailed("down")}
        for _ in range(50):
            assert not await world.keeper.refresh_for_unknown_key()
        assert len(world.asked) == 1

    run(story)


def test_setting_the_clock_does_not_open_the_ten_seconds(run) -> None:
    async def story(world: World) -> None:
        await world.keeper.refresh_for_unknown_key()
        world.clock.set_wall(world.clock.wall() + 86400)
        assert not await world.keeper.refresh_for_unknown_key()

    run(story)


def test_many_who_ask_at_once_share_one_question(run) -> None:
    async def story(world: World) -> None:
        world.gate = asyncio.Event()
        asking = [asyncio.ensure_future(world.keeper.refresh_for_unknown_key()) for _ in range(20)]
        asking += [asyncio.ensure_future(world.keeper.refresh()) for _ in range(20)]
        await asyncio.sleep(0)
        world.gate.set()
        assert await asyncio.gather(*asking) == [True] * 40
        assert len(world.asked) == 1

    run(story)


def test_one_who_leaves_does_not_end_the_question_of_the_others(run) -> None:
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


def test_a_fault_in_fetching_is_told_and_does_not_end_the_schedule(run) -> None:
    async def story(world: World) -> None:
        world.answers = {A: ZeroDivisionError("a bug")}
        async with started(world):
            await world.wait_of_schedule()
            assert "ZeroDivisionError" in world.told(Fault)[0].traceback
            world.answers = {A: OLD}
            assert await world.wait_of_schedule() == 300
            assert world.keeper.document == OLD

    run(story)


def test_stopping_ends_every_task_even_in_the_middle_of_a_question(run) -> None:
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


def test_what_was_remembered_is_stale_until_an_upstream_answers(run) -> None:
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


def test_a_question_that_was_under_way_when_the_authorities_changed_proves_nothing(run) -> None:
    async def story(world: World) -> None:
        world.gate = asyncio.Event()
        before = asyncio.ensure_future(world.keeper.refresh())
        await asyncio.sleep(0)
        anew = asyncio.ensure_future(world.keeper.ask_anew("the authorities changed"))
        await asyncio.sleep(0)
        world.gate.set()
        assert await before
        world.answers[A] = HopFailed("certificate verify failed", tls=True)

        assert not await anew

        assert len(world.asked) == 2
        assert world.keeper.stale is not None

    run(story)
