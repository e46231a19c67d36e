"""The Nth system call on the volume fails, for every N of a cache's life: starting, scanning, filling, hits, healing,
evicting, reloading; once, or from then on until the disk is well again. And of a second life: over TLS, asking the
upstream, noting what it said, recalling that, and ending, with the days' figures, while the fault still lasts."""

from __future__ import annotations

import os
import random
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doubles.certificates import Authority
from doubles.running_cache import eventually

from ..asking import ASKING, blob_target, credentials, over_tls
from ..campaign import Found
from ..failing import COUNTED, ERRORS, MET, SHORT
from ..lives import Cache
from ..next_life import live_again
from .one_cache import OneCache


@dataclass(frozen=True)
class _Life:
    """`calls`, `short`: a few more than all its calls, and than those that can come up short; each cycle holds that.
    `asks`: authorization by the upstream."""

    name: str
    calls: int
    short: int
    asks: bool

    def most(self, error: str) -> int:
        return self.short if error == SHORT else self.calls


@dataclass(frozen=True)
class _Case:
    life: _Life
    error: str
    forever: bool
    nth: int

    def __str__(self) -> str:
        return f"{self.life.name}: {self.error} {'from' if self.forever else 'at'} call {self.nth}"


_LIVES = (_Life("grants", 340, 110, asks=False), _Life("the upstream's word, TLS", 460, 170, asks=True))
_CASES = [
    _Case(life, error, forever, nth)
    for life in _LIVES
    for error in ERRORS
    for forever in (False, True)
    for nth in range(1, life.most(error) + 1)
]
_STRIDE = 2477  # prime to their number: a short run looks at all of life, too
_WITHOUT_UPSTREAM_S = 0.5  # so long somebody waits for what was noted; without a note the cache would try for seconds
_SIZES = (1, 65_536, 300_000, 1_200_000, 2_500_000)


class FailingCalls(OneCache):
    name = "failing calls"
    promise = (
        "Whichever call on the volume fails, once or from then on, no answer is wrong, every pull succeeds at the "
        "second try at the latest, and nothing is left over when the disk is well again"
    )
    unit = "life with one call that fails"
    share = 4.0
    ci, full = 20, len(_CASES)
    options = {"maxsize": "40MB"}  # noqa: RUF012

    def begin(self) -> None:
        super().begin()
        chance = random.Random(self.name)
        self.digests = [self.upstream.add(chance.randbytes(size)) for size in _SIZES]
        self.small, self.stored, self.rotten, self.cold, self.large = self.digests
        self._pair = Authority("one").issue(self.place, "127.0.0.1")
        self._counted = {life: self._count(life) for life in _LIVES}

    def _count(self, life: _Life) -> tuple[int, int]:
        """How many calls a life without a fault makes, and how many of those that can come up short."""
        counted = []
        for error in (ERRORS[0], SHORT):
            found, case = Found(), _Case(life, error, False, 0)
            said = self._whole(case, found)
            found.expect(COUNTED in said, "no call was counted")
            if found.broken:
                raise RuntimeError(f"{case}: a life without a fault goes wrong: {found.broken}")
            counted.append(said.count(COUNTED))
        return counted[0], counted[1]

    def cycle(self, seed: str) -> Found:
        case = _CASES[int(seed.rpartition(":")[2]) * _STRIDE % len(_CASES)]
        found = Found()
        met = MET in self._whole(case, found)
        found.count("faults met", met)
        last = case.nth == case.life.most(case.error)
        found.expect(not (last and met), f"{case} lies within the life: there are calls that never fail")
        counted = self._counted[case.life]
        within = counted[0] < case.life.calls and counted[1] < case.life.short
        found.expect(within, f"{case.life}: it makes {counted} calls, so there are some that never fail")
        return found

    def _whole(self, case: _Case, found: Found) -> str:
        """One life with a fault, and what comes after; what the cache said in the first."""
        self.upstream.asked.clear()
        folder = self.place / "one"
        options: dict[str, Any] = self.options | (ASKING if case.life.asks else {})
        cache = Cache(self.nursery, folder, [self.upstream.url], without=self.without, **options)
        if case.life.asks:
            over_tls(cache, self._pair)
        self._lay_out(cache)
        cache.fault = {"nth": case.nth, "error": case.error, "forever": case.forever}
        try:
            return self._live(cache, case, found)
        finally:
            cache.kill()
            shutil.rmtree(folder, ignore_errors=True)

    def _lay_out(self, cache: Cache) -> None:
        """A volume with a past: a good blob, a rotten one, what a writer that died left."""
        for digest, data in ((self.stored, self.upstream.blobs[self.stored]), (self.rotten, b"rotten" * 50_000)):
            cache.stored(digest).parent.mkdir(parents=True)
            cache.stored(digest).write_bytes(data)
        unfinished = cache.volume / "content-cache/unfinished"
        unfinished.mkdir(parents=True)
        (unfinished / f"{'0' * 64}.dead").write_bytes(b"half of it")

    def _live(self, cache: Cache, case: _Case, found: Found) -> str:
        cache.start()
        said = ""
        if not cache.listens():
            found.count("starts refused with a sentence")
            found.expect(not cache.alive(), f"{case}: it neither serves nor ends: {cache.said()}")
            self._no_traceback(cache, case, found)
            cache.kill()
            said = cache.said(10_000)
            cache.fault = {}
            cache.start()
            if not cache.listens():
                found.broken.append(f"{case}: it did not start when the disk was well again: {cache.said()}")
                return said
        for digest in (*self.digests, *self.digests):
            self._pull(cache, digest, case, found)
        cache.options["maxsize"] = "3MB"
        cache.write_config()
        cache.signal(signal.SIGHUP)
        for digest in (self.cold, self.small):
            self._pull(cache, digest, case, found)
        if case.life.asks:
            self._without_upstream(cache, case, found)
        else:
            self._when_it_is_well(cache, case, found)
        cache.signal(signal.SIGTERM)
        eventually(lambda: not cache.alive(), 20)
        self._no_traceback(cache, case, found)
        said += cache.said(10_000)
        self._next_life(cache, case, found)
        return said

    def _pull(self, cache: Cache, digest: str, case: _Case, found: Found) -> None:
        """As clients do: an answer that breaks off, or says that it could not, is asked for once more."""
        first = self._answer(cache, digest, case, found)
        second = first and self._answer(cache, digest, case, found)
        found.expect(not second, f"{case}: no service within one request for {digest}: {first}, {second}")

    def _answer(self, cache: Cache, digest: str, case: _Case, found: Found, within_s: float = 20.0) -> str:
        """Why there is no complete answer; empty: there is."""
        found.count("pulls")
        where = blob_target(self.upstream, digest, asks=case.life.asks)
        try:
            status, body = cache.ask(where, credentials(asks=case.life.asks), within_s)
        except OSError as error:
            return repr(error)
        right = status != 200 or body == self.upstream.blobs[digest]
        found.expect(right, f"{case}: a complete answer with wrong bytes for {digest}")
        return "" if status == 200 else str(status)

    def _without_upstream(self, cache: Cache, case: _Case, found: Found) -> None:
        """What was noted may have gone the way of the fault: then it is no answer, but it is never a wrong one."""
        self.upstream.stop()
        try:
            noted = not self._answer(cache, self.small, case, found, _WITHOUT_UPSTREAM_S)
            found.count("answers by what the upstream had said", noted)
        finally:
            self.upstream.start()

    def _when_it_is_well(self, cache: Cache, case: _Case, found: Found) -> None:
        if cache.fault:
            cache.signal(signal.SIGUSR2)
        for digest in self.digests:
            self._pull(cache, digest, case, found)
        try:
            eventually(lambda: not self._held(cache), 10)
        except AssertionError:
            found.broken.append(f"{case}: descriptors stay open: {self._held(cache)}")

    def _next_life(self, cache: Cache, case: _Case, found: Found) -> None:
        cache.fault = {}
        live_again(cache, str(case), found, may_be_wrong={self.rotten[7:]})

    def _held(self, cache: Cache) -> list[str]:
        """What of the volume the cache has open."""
        held = []
        for one in Path(f"/proc/{cache.process}/fd").iterdir():
            try:
                place = os.readlink(one)
            except OSError:
                continue
            if place.startswith(str(cache.volume)):
                held.append(place)
        return held

    def _no_traceback(self, cache: Cache, case: _Case, found: Found) -> None:
        found.expect(cache.tracebacks() == 0, f"{case}: a traceback: {cache.said(40)}")
