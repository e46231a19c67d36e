"""A keeper of the discovery document among upstreams that answer as told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from dtr_content_cache.admission import Discovery
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream.discovery import DiscoveryKeeper
from dtr_content_cache.upstream.exchange import Document
from dtr_content_cache.values.events import Event

from .clock import HandMovedClock
from .signing import Signer, discovery_document

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
        self.dates_s: dict[Upstream, float] = {}  # by whose clocks they answer, where they say so
        self.gate: asyncio.Event | None = None  # while set and unset, questions wait
        self.asked: list[tuple[Upstream, str]] = []
        self.disk: bytes | Exception | None = None
        self.writes = 0
        self.adopted: list[Discovery | None] = []
        self.events: list[Event] = []
        self.waits: asyncio.Queue[tuple[float, asyncio.Future[None]]] = asyncio.Queue()
        self.keeper = DiscoveryKeeper(
            lambda: list(self.answers), self.fetch, self.recall, self.remember, self.adopted.append, self.clock,
            self.events.append, clock_skew_s=30.0, consulted=lambda: "/certs/ca.pem", pause=self.pause,
            jitter=lambda: 1.0,
        )  # fmt: skip

    async def fetch(self, upstream: Upstream, path: str) -> Document:
        self.asked.append((upstream, path))
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers[upstream]
        if isinstance(answer, Exception):
            raise answer
        return Document(answer, self.dates_s.get(upstream))

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
        return [list(discovery.keys.keys) if discovery else [] for discovery in self.adopted]

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if type(event) is kind]


@asynccontextmanager
async def started(world: World):
    world.keeper.start()
    try:
        yield world
    finally:
        await world.keeper.stop()


def run(story: Callable[[World], Awaitable[None]]) -> None:
    """The story, in a world of its own."""

    async def tell() -> None:
        await asyncio.wait_for(story(World()), 10)

    asyncio.run(tell())
