"""What most campaigns are about: one cache before one upstream that behaves."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from doubles.upstream import Upstream

from ..campaign import Campaign
from ..lives import Cache, Nursery
from ..traffic import stock


class OneCache(Campaign):
    """`blobs`: how many the upstream has; `largest`: bytes of the largest. `options` are the middleware's.
    `born_by`: the words of a command that the nursery runs under."""

    blobs, largest = 0, 1
    born_by: tuple[str, ...] = ()
    options: dict[str, Any] = {}  # noqa: RUF012 - each campaign has its own, and none changes it
    group: Path | None = None  # a control group for the cache to live in

    def begin(self) -> None:
        self.nursery = Nursery(self.born_by, self.group)
        self.upstream = Upstream().__enter__()
        self.digests = stock(self.upstream, random.Random(self.name), self.blobs, self.largest)
        self.cache = Cache(
            self.nursery, self.place / "cache", [self.upstream.url], without=self.without, **self.options
        )

    def begin_life(self) -> None:
        """For campaigns in which the cache lives from the first cycle to the last."""
        self.cache.start()
        if not self.cache.listens():
            raise RuntimeError(f"the cache did not start: {self.cache.said()}")

    def end(self) -> None:
        if hasattr(self, "cache"):
            self.cache.kill()
        if hasattr(self, "upstream"):
            self.upstream.__exit__()
        if hasattr(self, "nursery"):
            self.nursery.close()
