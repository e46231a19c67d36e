"""Killed with -9 at any moment: while filling, evicting, scanning, reading its configuration anew, starting."""

from __future__ import annotations

import random
import shutil
import signal
import time

from doubles.running_cache import eventually

from ..campaign import Found, number_of
from ..crowded import Crowd
from ..lives import blobs_on
from ..phases import phases_in
from ..pulled import Pulled
from ..strays import UNFINISHED, remaining, strays, sweep_an_hour_later
from ..traffic import Traffic
from .one_cache import OneCache

_TTL_S = 4.0
_MAXSIZE = {"16MB": 16_000_000, "4MB": 4_000_000}
_CROWD = 5_000
_CROWDED_CHAPTERS = 10  # one of so many: filling one takes longer than many kills


class Kills(OneCache):
    name = "kills"
    promise = (
        "Killed with -9 at any moment, the cache comes back at once, without a wrong byte, a lost blob or a leftover, "
        "and with each blob's last pull known to the second"
    )
    unit = "kill -9"
    share = 4.0
    ci, full = 200, 10_000
    chapter = 10
    blobs, largest = 40, 2_000_000
    options = {"blobttl": f"{_TTL_S:.0f}s", "maxsize": "16MB"}  # noqa: RUF012

    def begin(self) -> None:
        super().begin()
        self._stock_bytes = sum(len(self.upstream.blobs[digest]) for digest in self.digests)
        self._crowd = Crowd(random.Random(self.name), _CROWD)
        self._watched = self.place / "phases"
        self.cache.watched = str(self._watched)
        self._begin_chapter()

    def _begin_chapter(self) -> None:
        shutil.rmtree(self.cache.volume, ignore_errors=True)
        self.cache.options["maxsize"] = "16MB"
        self._left: set[str] = set()
        self._pulled = Pulled()  # over all lives
        self._noted_s: dict[str, float] = {}  # of all blobs that lay on the volume at the last look

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        if number_of(seed) % self.chapter == 0:
            self._begin_chapter()
        crowded = number_of(seed) // self.chapter % _CROWDED_CHAPTERS == 1
        if crowded:
            self._crowd.fill(self.cache.volume, time.time())
        self.upstream.asked.clear()
        self._watched.unlink(missing_ok=True)
        room = _MAXSIZE[self.cache.options["maxsize"]]
        self.cache.start()
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0.0, 0.15))  # long before it serves
            self.cache.kill()
            found.count("kills in a start")
        else:
            self._live(chance, seed, found)
        room = min(room, _MAXSIZE[self.cache.options["maxsize"]])
        self._look(found, short_of_room=crowded or room < self._stock_bytes)
        return found

    def _live(self, chance: random.Random, seed: str, found: Found) -> None:
        if not self.cache.listens():
            found.broken.append(f"it did not start: {self.cache.said()}")
            self.cache.kill()
            return
        self._settle(found)
        idle = chance.random() < 0.1
        with Traffic(self.cache, self.upstream, self.digests, seed, clients=0 if idle else 4) as traffic:
            time.sleep(chance.uniform(0.0, 0.3))
            if chance.random() < 0.3:
                self.cache.options["maxsize"] = chance.choice(list(_MAXSIZE))
                self.cache.write_config()
                self.cache.signal(signal.SIGHUP)
                found.count("kills right after a reload was asked for")
                time.sleep(chance.uniform(0.0, 0.05))
            self.cache.kill()
        ended_s = time.time()
        seen = traffic.seen
        found.count("complete answers checked", seen.complete)
        found.count("transfers cut by the kill", seen.broken_off)
        found.broken += seen.wrong
        fetched = {asked.path.rpartition("/")[2] for asked in self.upstream.asked}
        self._pulled.add(seen, fetched, ended_s)
        self._say_where(found, idle=idle)

    def _settle(self, found: Found) -> None:
        """Nothing that the kills before this life left stays for long."""
        try:
            eventually(lambda: not remaining(self.cache.volume, self._left), 10)
        except AssertionError:
            found.broken.append(f"left since an earlier life: {sorted(remaining(self.cache.volume, self._left))[:3]}")

    def _say_where(self, found: Found, *, idle: bool) -> None:
        phases = phases_in(self._watched)
        phases += ["a fill"] if self.cache.unfinished() else []
        for phase in phases or ["an idle moment" if idle else "answers from the volume"]:
            found.count(f"kills in {phase}")

    def _look(self, found: Found, *, short_of_room: bool) -> None:
        volume = self.cache.volume
        blobs, wrong = blobs_on(volume, self._crowd.names)
        found.count("blobs on disk checked", blobs)
        found.expect(not wrong, f"wrong bytes under the final name of {wrong}")
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        found.count("files beside their names left by the kill", sweep_an_hour_later(volume))
        self._left = strays(volume)
        unfinished = sum(path.startswith(UNFINISHED) for path in self._left)
        found.count("unfinished files left by the kill", unfinished)
        found.count("other paths left by the kill", len(self._left) - unfinished)
        self._look_at_times(found, short_of_room)

    def _look_at_times(self, found: Found, short_of_room: bool) -> None:
        before_s, self._noted_s = self._noted_s, self.cache.noted_s(self.digests)
        now_s = time.time()
        for digest, noted_s in before_s.items():
            if digest not in self._noted_s:
                explained = short_of_room or now_s - noted_s > _TTL_S
                found.expect(explained, f"{digest} is gone, {now_s - noted_s:.2f}s after its last pull")
                self._pulled.forget(digest)
            elif not short_of_room:
                found.count("blobs that had to be there, and were")
        found.count("last pulls checked", len(self._noted_s))
        found.broken += self._pulled.lost(self._noted_s) + self._pulled.invented(self._noted_s)
