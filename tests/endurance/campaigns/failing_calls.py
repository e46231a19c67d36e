"""The Nth system call on the volume fails, for every N of a cache's life: starting, scanning, filling, hits, healing,
evicting, reloading; once, or from then on until the disk is well again."""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

from doubles.running_cache import eventually

from ..campaign import Found
from ..failing import ERRORS
from ..lives import Cache, blobs_on
from ..traffic import target
from .one_cache import OneCache

_CALLS = 220  # about as many as, and a few more than, the life below makes
_KINDS = [(error, forever) for error in ERRORS for forever in (False, True)]
_STRIDE = 2477  # prime to their number: a short run looks at all of life, too
_SIZES = (1, 65_536, 300_000, 1_200_000, 2_500_000)


class FailingCalls(OneCache):
    name = "failing calls"
    promise = (
        "Whichever call on the volume fails, once or from then on, no answer is wrong, every pull succeeds at the "
        "second try at the latest, and nothing is left over when the disk is well again"
    )
    unit = "life with one call that fails"
    ci, full = 40, _CALLS * len(_KINDS)
    options = {"maxsize": "40MB"}  # noqa: RUF012

    def begin(self) -> None:
        super().begin()
        chance = random.Random(self.name)
        self.digests = [self.upstream.add(chance.randbytes(size)) for size in _SIZES]
        self.small, self.stored, self.rotten, self.cold, self.large = self.digests

    def cycle(self, seed: str) -> Found:
        number = int(seed.rpartition(":")[2]) * _STRIDE % (_CALLS * len(_KINDS))
        nth, (error, forever) = number // len(_KINDS) + 1, _KINDS[number % len(_KINDS)]
        found = Found()
        self.upstream.asked.clear()
        folder = self.place / "one"
        cache = Cache(self.nursery, folder, [self.upstream.url], without=self.without, **self.options)
        self._lay_out(cache)
        cache.fault = {"nth": nth, "error": error, "forever": forever}
        case = f"{error} {'from' if forever else 'at'} call {nth}"
        try:
            self._live(cache, case, found)
        finally:
            cache.kill()
            shutil.rmtree(folder, ignore_errors=True)
        return found

    def _lay_out(self, cache: Cache) -> None:
        """A volume with a past: a good blob, a rotten one, what a writer that died left."""
        for digest, data in ((self.stored, self.upstream.blobs[self.stored]), (self.rotten, b"rotten" * 50_000)):
            cache.stored(digest).parent.mkdir(parents=True)
            cache.stored(digest).write_bytes(data)
        unfinished = cache.volume / "content-cache/unfinished"
        unfinished.mkdir(parents=True)
        (unfinished / f"{'0' * 64}.dead").write_bytes(b"half of it")

    def _live(self, cache: Cache, case: str, found: Found) -> None:
        cache.start()
        if not cache.listens():
            found.count("starts refused with a sentence")
            found.expect(not cache.alive(), f"{case}: it neither serves nor ends: {cache.said()}")
            self._no_traceback(cache, case, found)
            cache.kill()
            cache.fault = {}
            cache.start()
            if not cache.listens():
                found.broken.append(f"{case}: it did not start when the disk was well again: {cache.said()}")
                return
        for digest in (*self.digests, *self.digests):
            self._pull(cache, digest, case, found)
        cache.options["maxsize"] = "3MB"
        cache.write_config()
        cache.signal(signal.SIGHUP)
        for digest in (self.cold, self.small):
            self._pull(cache, digest, case, found)
        found.count("faults met", "fault: call" in cache.log.read_text(encoding="utf-8", errors="replace"))
        self._when_it_is_well(cache, case, found)

    def _pull(self, cache: Cache, digest: str, case: str, found: Found) -> None:
        """As clients do: an answer that breaks off, or says that it could not, is asked for once more."""
        said = ""
        for _ in range(2):
            found.count("pulls")
            try:
                status, body = cache.ask(target(self.upstream, digest))
            except OSError as error:
                said += f" {error!r}"
                continue
            if status == 200:
                right = body == self.upstream.blobs[digest]
                found.expect(right, f"{case}: a complete answer with wrong bytes for {digest}")
                return
            said += f" {status}"
        found.broken.append(f"{case}: no service within one request for {digest}:{said}")

    def _when_it_is_well(self, cache: Cache, case: str, found: Found) -> None:
        if cache.fault:
            cache.signal(signal.SIGUSR2)
        for digest in self.digests:
            self._pull(cache, digest, case, found)
        try:
            eventually(lambda: not self._held(cache), 10)
        except AssertionError:
            found.broken.append(f"{case}: descriptors stay open: {self._held(cache)}")
        cache.signal(signal.SIGTERM)
        eventually(lambda: not cache.alive(), 20)
        self._no_traceback(cache, case, found)
        cache.fault = {}
        cache.start()
        found.expect(cache.listens(), f"{case}: its next life did not start: {cache.said()}")
        try:
            eventually(lambda: not cache.unfinished(), 10)
        except AssertionError:
            found.broken.append(f"{case}: left over: {cache.unfinished()}")
        cache.kill()
        blobs, wrong = blobs_on(cache.volume)
        found.count("blobs on disk checked", blobs)
        found.expect(set(wrong) <= {self.rotten[7:]}, f"{case}: wrong bytes stored under {wrong}")

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

    def _no_traceback(self, cache: Cache, case: str, found: Found) -> None:
        found.expect(cache.tracebacks() == 0, f"{case}: a traceback: {cache.said(40)}")
