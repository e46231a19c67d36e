"""A retention room on a small volume: everything real but the clock and the volume's size."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from doubles.clock import HandMovedClock
from doubles.volume import SmallVolume, digest_of, put, read
from dtr_content_cache.retention.choice import Limits
from dtr_content_cache.retention.space import Reservation, SpaceKeeper
from dtr_content_cache.retention.sweeper import Sweeper
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import BlobEvicted, Event

NO_LIMITS = {"ttl_s": None, "max_size_bytes": None, "min_free_fraction": 0.0, "min_free_bytes": None}


class Room:
    """`put` blobs, let time go by with `clock`, `sweep`; `events` are what was told, `left` what is still there."""

    def __init__(self, root: Path, total_bytes: int, may_delete: bool, may_write: bool, **limits: Any) -> None:
        self.clock = HandMovedClock(1_700_000_000.0, 1_700_000_000.0)
        self.events: list[Event] = []
        self.root = root
        self.store = SmallVolume(str(root), total_bytes)
        self.store.prepare()
        self.threads = ThreadPoolExecutor(1)
        limits = {**NO_LIMITS, **limits}
        emit = self.events.append
        self.space = SpaceKeeper(
            self.store, Limits(**limits), self.clock, emit, may_delete=may_delete, may_write=may_write
        )
        self.sweeper = Sweeper(self.store, self.space, self.clock, emit, leftover_age_s=3600, executor=self.threads)
        self.put_so_far: dict[str, Digest] = {}

    def put(self, name: str, size: int = 1000) -> Digest:
        data = name.encode().ljust(size, b".")
        self.put_so_far[name] = put(self.store, data, self.clock.steady())
        return self.put_so_far[name]

    def reserve(self, size: int, name: str = "") -> Reservation:
        """For the blob that `put(name)` will bring, or for one that no test looks at."""
        digest = digest_of(name.encode().ljust(size, b".")) if name else digest_of(secrets.token_bytes(8))
        return self.space.reserve(size, digest)

    def pull(self, name: str) -> None:
        self.store.note_pull(self.put_so_far[name], self.clock.steady())

    def sweep(self) -> None:
        self.sweeper.sweep()

    @property
    def left(self) -> str:
        return "".join(sorted(name for name, digest in self.put_so_far.items() if read(self.store, digest)))

    @property
    def evicted(self) -> list[BlobEvicted]:
        return [event for event in self.events if isinstance(event, BlobEvicted)]


@pytest.fixture
def make_room(tmp_path: Path) -> Callable[..., Room]:
    def make(*, total_bytes: int = 1_000_000, may_delete: bool = True, may_write: bool = True, **limits: Any) -> Room:
        return Room(tmp_path / "volume", total_bytes, may_delete, may_write, **limits)

    return make
