"""A flight's surroundings, real: a store on a volume, exchanges, threads, and an upstream that does as it is told."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from doubles.upstream import Upstream
from dtr_content_cache.delivery import attempts
from dtr_content_cache.delivery.attempts import Attempts
from dtr_content_cache.delivery.filling import Filling
from dtr_content_cache.delivery.limits import Throttle
from dtr_content_cache.delivery.means import Means, Passage
from dtr_content_cache.retention.choice import Limits
from dtr_content_cache.retention.space import SpaceKeeper
from dtr_content_cache.settings.model import Upstream as Hop
from dtr_content_cache.storage import Store
from dtr_content_cache.upstream.exchange import Exchanges
from dtr_content_cache.upstream.turns import Turns
from dtr_content_cache.values.blob_address import BlobAddress
from dtr_content_cache.values.clock import SystemClock
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import Event

CONTEXT = ssl.create_default_context()


@dataclass
class Hangar:
    """What flights need. `means` must be made on a loop's thread by nobody: nothing in it knows a loop."""

    upstream: Upstream
    store: Store
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.threads = ThreadPoolExecutor(16)
        self.hop = Hop("http", "127.0.0.1", self.upstream.port)
        limits = Limits(None, None, None, 1)
        clock = SystemClock()
        self.space = SpaceKeeper(self.store, limits, clock, self.events.append, may_delete=True, may_write=True)
        self.exchanges = Exchanges(lambda: CONTEXT, 5.0)
        asked = Attempts(Turns([self.hop], clock), self.events.append, lambda: "")
        threads, throttle = (self.threads, self.threads), Throttle(None)
        self.means = Means(
            self.store, self.space, self.exchanges, asked, throttle, *threads, clock, self.events.append
        )

    def address(self, digest: str) -> BlobAddress:
        return BlobAddress("org/app", Digest.parse(digest))

    def passage(self, digest: str, expires_s: float = math.inf) -> Passage:
        return Passage(f"/v2/org/app/blobs/{digest}", expires_s)

    def filling(self, digest: str, total: int) -> Filling:
        return Filling.begin(self.store, self.space, Digest.parse(digest), total, self.hop)

    def run(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return asyncio.run(asyncio.wait_for(work(), 30))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)


@pytest.fixture
def hangar(tmp_path: Path) -> Iterator[Hangar]:
    store = Store(str(tmp_path / "volume"))
    (tmp_path / "volume").mkdir()
    store.prepare()
    with Upstream() as upstream:
        hangar = Hangar(upstream, store)
        yield hangar
        upstream.release.set()
        hangar.threads.shutdown()
