"""Upstreams that lie: every fault of the catalogue at any position, in any framing; alone, beside an honest one, or
behind a parent cache."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from doubles.lies import BODY_LIES, FRAMINGS, HEAD_LIES, fault
from doubles.upstream import Upstream

from ..campaign import Campaign, Found
from ..lives import Cache, Nursery, blobs_on
from ..traffic import target

_SIZES = (1, 1000, 65_536, 65_537, 300_000, 1_500_000)
_TRIES = 4
_SEVERAL = 12


class Liars(Campaign):
    name = "liars"
    promise = (
        "Whatever an upstream sends, no answer completes with wrong bytes and none is stored; beside an honest "
        "upstream every pull succeeds"
    )
    unit = f"set of {_SEVERAL} lies on new blobs"
    ci, full = 40, 2_000

    def begin(self) -> None:
        self._nursery = Nursery()
        self._liar = Upstream().__enter__()
        self._honest = Upstream(origin=self._liar.origin, key=self._liar.key, blobs=self._liar.blobs).__enter__()
        options = {"stalltimeout": "500ms"}
        alone, both = [self._liar.url], [self._liar.url, self._honest.url]
        self._alone = self._new("alone", alone, **options)
        self._beside = self._new("beside", both, **options)
        self._parent = self._new("parent", both, **options)
        self._leaf: Cache | None = None

    def _new(self, name: str, upstreams: list[str], **options: str) -> Cache:
        return Cache(self._nursery, Path(self.place, name), upstreams, without=self.without, maxsize="20MB", **options)

    def end(self) -> None:
        for name in ("_alone", "_beside", "_parent", "_leaf"):
            cache = getattr(self, name, None)
            if cache is not None:
                cache.kill()
        if hasattr(self, "_honest"):
            self._honest.__exit__()
            self._liar.__exit__()
            self._nursery.close()

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        where = chance.choice(("alone", "beside", "behind a parent"))
        cache = self._begin(where, found)
        with ThreadPoolExecutor(_SEVERAL) as together:
            chances = [random.Random(f"{seed}/{number}") for number in range(_SEVERAL)]
            list(together.map(lambda one: self._one(cache, where, one, found), chances))
        blobs, wrong = blobs_on(cache.volume)
        found.count("blobs on disk checked", blobs)
        found.expect(not wrong, f"{where}: wrong bytes stored under {wrong}")
        found.expect(cache.tracebacks() == 0, f"{where}: a traceback: {cache.said(40)}")
        for one in (self._alone, self._beside, self._parent, self._leaf):
            if one is not None:
                one.kill()
        return found

    def _begin(self, where: str, found: Found) -> Cache:
        """The cache that is asked, in a new life: none of its upstreams is being rested for an earlier lie."""
        for upstream in (self._liar, self._honest):
            upstream.asked.clear()
            upstream.always_of.clear()
        self._liar.blobs.clear()
        if where == "behind a parent":
            self._parent.start()
            found.expect(self._parent.listens(), f"the parent did not start: {self._parent.said()}")
            self._leaf = self._new("leaf", [self._parent.url], stalltimeout="5s")
        cache = {"alone": self._alone, "beside": self._beside}.get(where) or self._leaf
        assert cache is not None
        cache.start()
        found.expect(cache.listens(), f"{where}: it did not start: {cache.said()}")
        return cache

    def _one(self, cache: Cache, where: str, chance: random.Random, found: Found) -> None:
        blob = chance.randbytes(chance.choice(_SIZES))
        digest = self._liar.add(blob)
        name, lie = chance.choice([*BODY_LIES.items(), *HEAD_LIES.items()])
        framing = chance.choice(FRAMINGS) if name in BODY_LIES else "length"
        at = chance.choice((0, 1, -1, chance.randrange(len(blob))))
        self._liar.always_of[digest] = fault(lie, at, framing)
        status, body = self._pulled(cache, digest, _TRIES if where != "alone" else 1, found)
        found.count("lies told")
        case = f"{where}, {name} at {at} by {framing} of {len(blob)} bytes"
        if status in (200, 206):
            found.expect(body == blob, f"{case}: completed with {len(body)} other bytes")
        elif where != "alone":
            found.broken.append(f"{case}: {status} although one upstream is honest")

    def _pulled(self, cache: Cache, digest: str, tries: int, found: Found) -> tuple[int, bytes]:
        """As clients do: an answer that breaks off is asked for again."""
        for _ in range(tries):
            try:
                return cache.ask(target(self._liar, digest))
            except OSError:
                found.count("answers broken off")
        return 0, b""
