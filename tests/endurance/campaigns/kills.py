"""Killed with -9 at any moment: while filling, evicting, reading its configuration anew, starting."""

from __future__ import annotations

import random
import signal
import time

from doubles.running_cache import eventually

from ..campaign import Found
from ..lives import blobs_on
from ..traffic import Traffic
from .one_cache import OneCache

LAST_PULL_LOST_S = 1.0  # the stated window: a pull is noted at most once a second
_SLACK_S = 0.1
_MAXSIZE = ("16MB", "4MB")


class Kills(OneCache):
    name = "kills"
    promise = (
        "Killed with -9 at any moment, the cache comes back at once, without a wrong byte, without a leftover, and "
        "with each blob's last pull known to the second"
    )
    unit = "kill -9"
    ci, full = 120, 10_000
    blobs, largest = 40, 2_000_000
    options = {"blobttl": "4s", "maxsize": _MAXSIZE[0]}  # noqa: RUF012

    def begin(self) -> None:
        super().begin()
        self._leftovers: set[str] = set()
        self._pulled: dict[str, float] = {}  # over all lives

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        self.upstream.asked.clear()
        self.cache.start()
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0.0, 0.15))  # long before it serves
            self.cache.kill()
            found.count("killed while starting")
        else:
            self._live(chance, seed, found)
        blobs, wrong = blobs_on(self.cache.volume)
        found.count("blobs on disk checked", blobs)
        found.expect(not wrong, f"wrong bytes under the final name of {wrong}")
        return found

    def _live(self, chance: random.Random, seed: str, found: Found) -> None:
        if not self.cache.listens():
            found.broken.append(f"it did not start: {self.cache.said()}")
            self.cache.kill()
            return
        before = self._leftovers
        try:
            eventually(lambda: not self.cache.unfinished() & before, 10)
        except AssertionError:
            found.broken.append(f"left since an earlier life: {self.cache.unfinished() & before}")
        with Traffic(self.cache, self.upstream, self.digests, seed) as traffic:
            time.sleep(chance.uniform(0.0, 0.3))
            if chance.random() < 0.3:
                self.cache.options["maxsize"] = chance.choice(_MAXSIZE)
                self.cache.write_config()
                self.cache.signal(signal.SIGHUP)
                found.count("killed around a reload")
                time.sleep(chance.uniform(0.0, 0.05))
            self.cache.kill()
        self._leftovers = self.cache.unfinished()
        self._look(traffic, found)

    def _look(self, traffic: Traffic, found: Found) -> None:
        seen = traffic.seen
        found.count("complete answers checked", seen.complete)
        found.count("transfers cut by the kill", seen.broken_off)
        found.count("unfinished files left by the kill", len(self._leftovers))
        found.broken += seen.wrong
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        self._pulled |= seen.pulled
        for digest, asked_s in list(self._pulled.items()):
            try:
                noted_s = self.cache.stored(digest).parent.stat().st_mtime
            except FileNotFoundError:
                del self._pulled[digest]  # evicted
                continue
            found.count("last pulls checked")
            late_s = asked_s - noted_s
            found.expect(late_s <= LAST_PULL_LOST_S + _SLACK_S, f"{digest}: last pull lost by {late_s:.2f}s")
