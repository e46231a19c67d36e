"""One life under traffic, with a fault every two seconds: nothing wrong, no death, no growth."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable

from doubles.lies import BODY_LIES, FRAMINGS, fault
from doubles.running_cache import eventually
from doubles.upstream import Upstream

from ..campaign import Found
from ..crowd import loiter
from ..lives import Cache, Nursery
from ..traffic import Traffic, stock, target
from .one_cache import OneCache
from .rot import flip

_EVERY_S = 2.0
_BLOBS, _LARGEST = 60, 3_000_000
_GROWTH_LIMIT = 96 << 20
_DESCRIPTORS_SLACK = 40  # idle connections to upstreams, and clients that have just left


class Soak(OneCache):
    """Cycles share one life; a seed gives its fault, not the traffic before it."""

    name = "soak"
    promise = "Under traffic with a fault every two seconds, no answer is wrong, the cache lives on and does not grow"
    unit = "fault"
    ci, full = 6, 43_200

    def begin(self) -> None:
        self.nursery = Nursery()
        self.upstream = Upstream().__enter__()
        self.digests = stock(self.upstream, random.Random(self.name), _BLOBS, _LARGEST)
        self.second = Upstream(
            origin=self.upstream.origin, key=self.upstream.key, blobs=self.upstream.blobs
        ).__enter__()
        upstreams = [self.upstream.url, self.second.url]
        options = {"maxsize": "40MB", "stalltimeout": "1s"}
        self.cache = Cache(self.nursery, self.place / "cache", upstreams, without=self.without, **options)
        self.begin_life()
        self.born, self.memory, self.open = self.cache.process, 0, self.cache.descriptors()
        self.faults: list[Callable[[random.Random], str]] = [
            self._lie,
            self._rot,
            self._reload,
            self._leave,
            self._away,
        ]

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        self.upstream.asked.clear()
        self.second.asked.clear()
        with Traffic(self.cache, self.upstream, self.digests, seed, clients=3) as traffic:
            kind = chance.choice(self.faults)(chance)
            time.sleep(_EVERY_S)
        self.upstream.always_of.clear()
        found.count(kind)
        found.count("complete answers checked", traffic.seen.complete)
        found.broken += [f"{kind}: {wrong}" for wrong in traffic.seen.wrong]
        found.expect(self.cache.alive() and self.cache.process == self.born, f"{kind}: it died: {self.cache.said(20)}")
        found.expect(self.cache.tracebacks() == 0, f"{kind}: a traceback: {self.cache.said(40)}")
        self.memory = self.memory or self.cache.resident_bytes()  # after the first traffic
        grown = self.cache.resident_bytes() - self.memory
        found.expect(grown <= _GROWTH_LIMIT, f"{kind}: it has grown by {grown >> 20} MiB")
        self._descriptors_return(kind, found)
        return found

    def _descriptors_return(self, kind: str, found: Found) -> None:
        try:
            eventually(lambda: self.cache.descriptors() <= self.open + _DESCRIPTORS_SLACK, 20)
        except AssertionError:
            found.broken.append(f"{kind}: {self.cache.descriptors() - self.open} descriptors stay open")

    # -- faults: each is done at once, and says what it was ------------------------------------------------------

    def _lie(self, chance: random.Random) -> str:
        for digest in chance.sample(self.digests, 20):
            lie = fault(chance.choice(list(BODY_LIES.values())), chance.choice((0, 1, -1)), chance.choice(FRAMINGS))
            self.upstream.always_of[digest] = lie
        return "an upstream that lies"

    def _rot(self, chance: random.Random) -> str:
        for digest in chance.sample(self.digests, 20):
            path = self.cache.stored(digest)
            spoilt = path.with_name("spoilt")
            try:
                shutil.copy2(path, spoilt)
                flip(spoilt, chance)
                # In one step: a disk that rots does not change what the kernel is sending at this moment.
                spoilt.rename(path)
            except OSError:
                spoilt.unlink(missing_ok=True)  # it was evicted meanwhile
        return "rot on the volume"

    def _reload(self, chance: random.Random) -> str:
        self.cache.options["maxsize"] = chance.choice(("8MB", "40MB"))
        self.cache.write_config()
        for _ in range(5):
            self.cache.signal(signal.SIGHUP)
        return "a storm of reloads"

    def _leave(self, chance: random.Random) -> str:
        for digest in chance.choices(self.digests, k=50):
            head = f"GET {target(self.upstream, digest)} HTTP/1.1\r\nHost: cache\r\n\r\n"
            loiter(self.cache.port, head.encode()).close()
        return "clients that leave"

    def _away(self, chance: random.Random) -> str:
        self.second.stop()
        time.sleep(chance.uniform(0, 0.5))
        self.second.start()
        return "an upstream that is away"

    def end(self) -> None:
        super().end()
        if hasattr(self, "second"):
            self.second.__exit__()
