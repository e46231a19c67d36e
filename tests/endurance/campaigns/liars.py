"""Upstreams that lie: every fault of the catalogue at any position, in any framing; alone, beside an honest one, or
behind a parent cache."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple

from doubles.lies import (
    BODY_LIES,
    FRAMED_HEAD_LIES,
    FRAMINGS,
    FRAMINGS_OF,
    HEAD_LIES,
    ODD_TRUTHS,
    SHOWN_BY_THE_HASH,
    SLOW,
    STALL,
    TOO_SLOW,
    Lie,
    fault,
    to_who_goes_on,
)
from doubles.upstream import Upstream
from dtr_content_cache.delivery.limits import HOLD_BACK_BYTES

from ..campaign import Campaign, Found
from ..lives import Cache, Nursery, blobs_on
from ..traffic import target

_SIZES = (1, 1000, 65_536, 65_537, 300_000, 1_500_000)
_POSITIONS = (0, 1, 4095, 65_535, 65_536, 0.25, 0.5, 0.9, -2, -1)  # of a byte; a fraction: of the blob; -1: the last
_LATER = (0.5, -1)
_SEVERAL = 12
# Who is asked, by what each does: the cache's upstreams, or those of its parent.
TOPOLOGIES: dict[str, tuple[str, ...]] = {
    "alone": ("lies",),
    "two liars": ("lies", "lies"),
    "beside an honest one": ("lies", "honest"),
    "two, and an honest one": ("lies", "lies", "honest"),
    "behind a parent, alone": ("lies",),
    "behind a parent": ("lies", "honest"),
}


class Case(NamedTuple):
    """One lie, or `true` in an odd way: in what framing, at which of _POSITIONS."""

    name: str
    lie: Lie
    framing: str
    at: float
    true: bool = False


def _each(name: str, lie: Lie, framings: tuple[str, ...], at: tuple[float, ...], *, true: bool = False) -> list[Case]:
    return [Case(name, lie, framing, one, true) for framing in framings for one in at]


def _cases() -> Iterator[list[Case]]:
    for name, lie in (*BODY_LIES.items(), ("a stall", STALL)):
        yield _each(name, lie, FRAMINGS, _POSITIONS)
    yield _each("a drip that is too slow", TOO_SLOW, FRAMINGS, _POSITIONS[::3])
    yield _each("a slow drip", SLOW, FRAMINGS, _POSITIONS[::3], true=True)
    for name, lie in HEAD_LIES.items():
        yield _each(name, lie, FRAMINGS if name in FRAMED_HEAD_LIES else ("length",), (0,))
        yield _each(f"later, {name}", to_who_goes_on(lie), FRAMINGS, _LATER)
    for name, lie in ODD_TRUTHS.items():
        yield _each(name, lie, FRAMINGS_OF.get(name, FRAMINGS), _POSITIONS, true=True)
        yield _each(f"later, {name}", to_who_goes_on(lie), FRAMINGS_OF.get(name, FRAMINGS), _LATER, true=True)


CASES = list(chain.from_iterable(_cases()))
_SETS = -(-len(CASES) // _SEVERAL)
_ALL = len(CASES) * len(TOPOLOGIES)
_STRIDE = 1511  # prime to their number: a short run looks at a part of everything, too


def of_cycle(number: int) -> tuple[str, list[Case]]:
    """The topology, and the cases. A round of _SETS cycles for each topology has each case in each exactly once."""
    where, first = list(TOPOLOGIES)[number % len(TOPOLOGIES)], number // len(TOPOLOGIES) % _SETS * _SEVERAL
    places = range(first, min(first + _SEVERAL, len(CASES)))
    return where, [CASES[place * _STRIDE % len(CASES)] for place in places]


def tries(case: Case, where: str, size: int) -> int:
    """How many pulls it may take a client. Only what shows by the hash of more than is held back may cost one a lie."""
    lie = case.name.removeprefix("later, ")
    resumed = lie == "only the beginning" and case.framing != "length"
    if lie not in SHOWN_BY_THE_HASH or resumed or size <= HOLD_BACK_BYTES:
        return 1
    return 1 + TOPOLOGIES[where].count("lies")


class Liars(Campaign):
    """The cycles go through the whole table of cases and topologies, on blobs of sizes that chance takes."""

    name = "liars"
    promise = (
        "Whatever an upstream sends, no answer completes with wrong bytes and no cache on the way stores any; beside "
        "an honest upstream, and where it tells the truth in an odd way, every pull succeeds: at once, but for wrong "
        "bytes that only the hash of a large blob shows"
    )
    unit = f"set of {_SEVERAL} of {_ALL:,} lies, each with its framing, position and topology"
    share = 3.0
    ci, full = 4, 2 * _SETS * len(TOPOLOGIES)

    def begin(self) -> None:
        self._nursery = Nursery()
        self._liar = Upstream().__enter__()
        self._second = self._another()
        self._honest = self._another()
        self._caches = {name: self._new(name, self._urls(who)) for name, who in TOPOLOGIES.items()}
        self._leaf: Cache | None = None

    def _another(self) -> Upstream:
        return Upstream(origin=self._liar.origin, key=self._liar.key, blobs=self._liar.blobs).__enter__()

    def _urls(self, who: tuple[str, ...]) -> list[str]:
        liars = iter((self._liar.url, self._second.url))
        return [next(liars) if one == "lies" else self._honest.url for one in who]

    def _new(self, name: str, upstreams: list[str], stalltimeout: str = "500ms") -> Cache:
        folder = self.place / name.replace(" ", "-")
        return Cache(self._nursery, folder, upstreams, without=self.without, maxsize="20MB", stalltimeout=stalltimeout)

    def end(self) -> None:
        for cache in (*getattr(self, "_caches", {}).values(), getattr(self, "_leaf", None)):
            if cache is not None:
                cache.kill()
        for upstream in ("_honest", "_second", "_liar"):
            if hasattr(self, upstream):
                getattr(self, upstream).__exit__()
        self._nursery.close()

    def cycle(self, seed: str) -> Found:
        found = Found()
        where, cases = of_cycle(int(seed.rpartition(":")[2]))
        cache = self._begin(where, found)
        with ThreadPoolExecutor(_SEVERAL) as together:
            pulls = [
                together.submit(self._one, cache, where, case, random.Random(f"{seed}/{number}"), found)
                for number, case in enumerate(cases)
            ]
        for pull in pulls:
            pull.result()
        for one in (self._caches[where], self._leaf):
            if one is not None:
                self._look_at(one, where, found)
                one.kill()
        return found

    def _look_at(self, cache: Cache, where: str, found: Found) -> None:
        blobs, wrong = blobs_on(cache.volume)
        found.count("blobs on disk checked", blobs)
        found.expect(not wrong, f"{where}: wrong bytes stored in {cache.volume.parent.name} under {wrong}")
        found.expect(cache.tracebacks() == 0, f"{where}: a traceback: {cache.said(40)}")

    def _begin(self, where: str, found: Found) -> Cache:
        """The cache that is asked, in a new life: none of its upstreams is being rested for an earlier lie."""
        for upstream in (self._liar, self._second, self._honest):
            upstream.asked.clear()
            upstream.always_of.clear()
        self._liar.blobs.clear()
        cache = self._caches[where]
        cache.start()
        found.expect(cache.listens(), f"{where}: it did not start: {cache.said()}")
        if not where.startswith("behind"):
            return cache
        self._leaf = self._new(f"leaf {where}", [cache.url], "5s")
        self._leaf.start()
        found.expect(self._leaf.listens(), f"{where}: the leaf did not start: {self._leaf.said()}")
        return self._leaf

    def _one(self, cache: Cache, where: str, case: Case, chance: random.Random, found: Found) -> None:
        blob = chance.randbytes(chance.choice(_SIZES))
        digest = self._liar.add(blob)
        at = int(case.at * len(blob)) if isinstance(case.at, float) else min(case.at, len(blob) - 1)
        for liar in (self._liar, self._second):
            liar.always_of[digest] = fault(case.lie, at, case.framing)
        helped = "honest" in TOPOLOGIES[where] or case.true
        may, within_s = (tries(case, where, len(blob)), 20.0) if helped else (1, 6.0)
        status, body = self._pulled(cache, digest, may, within_s, found)
        found.count("odd truths told" if case.true else "lies told")
        said = f"{where}, {case.name} at {at} by {case.framing} of {len(blob)} bytes"
        if status in (200, 206):
            found.expect(body == blob, f"{said}: completed with {len(body)} other bytes")
        elif helped:
            found.broken.append(f"{said}: {status} in {may} pulls although one is honest")

    def _pulled(self, cache: Cache, digest: str, may: int, within_s: float, found: Found) -> tuple[int, bytes]:
        """As clients do: an answer that breaks off is asked for again."""
        for _ in range(may):
            try:
                return cache.ask(target(self._liar, digest), timeout_s=within_s)
            except OSError:
                found.count("answers broken off, or given up")
        return 0, b""
