"""The power fails: what was not flushed is lost. An ext4 on a loop device, its backing file copied at a moment's cut.

The cache is stopped (SIGSTOP) and the backing file copied until two copies are equal: all that is still in the page
cache of the file system is missing there, as after a power cut. The copy is mounted, which replays its journal.

What must be there is asked without a clock: a blob that an earlier cut showed, a last pull before the last flush.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from uuid import uuid4

from doubles.running_cache import eventually
from doubles.upstream import Upstream

from ..campaign import Campaign, CannotRun, Found, number_of
from ..lives import Cache, Nursery, blobs_on
from ..pulled import Pulled
from ..strays import remaining, strays, sweep_an_hour_later
from ..traffic import Traffic, stock, target

_IMAGE_MIB = 48
_BLOBS, _LARGEST = 60, 600_000
_ENOUGH, _SHORT = "8MB", "2MB"  # of room, for 4 MB of blobs


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"`{' '.join(command[:3])} …` failed here: {done.stderr.strip()}")


class PowerCuts(Campaign):
    name = "power cuts"
    promise = (
        "Whenever the power fails, a blob is on the disk whole or not at all, what was there before still is, nothing "
        "is left over, and each last pull before the last flush is known to the second"
    )
    unit = "power cut on ext4"
    share = 4.0
    ci, full = 40, 2_000
    chapter = 10

    def begin(self) -> None:
        if os.geteuid() != 0:
            raise CannotRun("mounting a loop device needs root")
        self._disk, self._cut = self.place / "disk", self.place / "cut"
        self._image = self.place / "disk.img"
        for folder in (self._disk, self._cut):
            folder.mkdir()
        self._image.write_bytes(b"")
        os.truncate(self._image, _IMAGE_MIB << 20)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        _run("mount", "-o", "loop,discard", str(self._image), str(self._disk))
        self._nursery = Nursery()
        self._upstream = Upstream().__enter__()
        self._digests = stock(self._upstream, random.Random("power"), _BLOBS, _LARGEST)
        room = {"maxsize": _ENOUGH, "minfree": "1%"}
        self._cache = Cache(
            self._nursery, self.place / "a", [self._upstream.url], without=self.without, volume=self._disk / "v", **room
        )
        self._after = Cache(self._nursery, self.place / "b", [self._upstream.url], volume=self._cut / "v")
        self._begin_chapter()

    def _begin_chapter(self) -> None:
        shutil.rmtree(self._cache.volume, ignore_errors=True)
        self._pulled = Pulled()  # over all lives
        self._flushed = Pulled()  # the same as of the last flush
        self._lasting: set[str] = set()  # what the last cut and the living volume both have

    def end(self) -> None:
        for cache in (getattr(self, "_cache", None), getattr(self, "_after", None)):
            if cache is not None:
                cache.kill()
        for folder in ("disk", "cut"):
            subprocess.run(["umount", "-q", str(self.place / folder)], check=False)
        if hasattr(self, "_upstream"):
            self._upstream.__exit__()
            self._nursery.close()

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        if number_of(seed) % self.chapter == 0:
            self._begin_chapter()
        if chance.random() < 0.3:
            self._flush(found)
        self._upstream.asked.clear()
        short = chance.random() < 0.3
        self._cache.options["maxsize"] = _SHORT if short else _ENOUGH
        self._cache.start()
        if not self._cache.listens():
            found.broken.append(f"it did not start: {self._cache.said()}")
            self._cache.kill()
            return found
        with Traffic(self._cache, self._upstream, self._digests, seed, clients=3) as traffic:
            time.sleep(chance.uniform(0.05, 0.5))
            self._cache.signal(signal.SIGSTOP)
            cut = self._take_the_cut()
            self._cache.kill()
        found.broken += traffic.seen.wrong
        fetched = {asked.path.rpartition("/")[2] for asked in self._upstream.asked}
        self._pulled.add(traffic.seen, fetched, time.time())
        self._look(found, cut, short_of_room=short)
        return found

    def _flush(self, found: Found) -> None:
        _run("sync", "--file-system", str(self._disk))
        self._flushed.asked_s = dict(self._pulled.asked_s)
        found.count("flushes before a life")

    def _take_the_cut(self) -> Path:
        """Equal twice: the kernel's own writing was not caught midway."""
        # A file of its own each time: whoever makes a mount namespace meanwhile keeps this one mounted, and mounting
        # the same file again would show what the kernel remembers of it.
        copy, before = self.place / f"cut-{uuid4().hex}.img", ""
        while True:
            shutil.copyfile(self._image, copy)
            now = hashlib.sha256(copy.read_bytes()).hexdigest()
            if now == before:
                return copy
            before = now

    def _look(self, found: Found, cut: Path, *, short_of_room: bool) -> None:
        _run("mount", "-o", "loop", str(cut), str(self._cut))
        cut.unlink()
        try:
            blobs, wrong = blobs_on(self._cut / "v")
            found.count("blobs after a cut checked", blobs)
            found.expect(not wrong, f"{len(wrong)} of {blobs} blobs have wrong bytes, such as {wrong[:1]}")
            self._look_at_times(found, short_of_room)
            found.count("files beside their names left by a cut", sweep_an_hour_later(self._after.volume))
            self._serve_from(found)
        finally:
            self._after.kill()
            _run("umount", str(self._cut))

    def _look_at_times(self, found: Found, short_of_room: bool) -> None:
        noted_s = self._after.noted_s(self._digests)
        if not short_of_room:
            found.count("blobs that had to be there, and were", len(self._lasting & noted_s.keys()))
            found.expect(
                self._lasting <= noted_s.keys(), f"gone with the power: {sorted(self._lasting - noted_s.keys())}"
            )
        self._lasting = noted_s.keys() & self._cache.noted_s(self._digests).keys()
        found.count("last pulls checked", len(noted_s))
        found.count("last pulls before a flush checked", len(noted_s.keys() & self._flushed.asked_s.keys()))
        found.broken += self._flushed.lost(noted_s) + self._pulled.invented(noted_s)

    def _serve_from(self, found: Found) -> None:
        """The cache starts on what the cut left, every pull is right, and nothing else stays there."""
        volume, left = self._after.volume, strays(self._after.volume)
        found.count("paths left by a cut", len(left))
        self._after.start()
        if not self._after.listens():
            found.broken.append(f"it did not start after the cut: {self._after.said()}")
            return
        try:
            eventually(lambda: not remaining(volume, left), 10)
        except AssertionError:
            found.broken.append(f"left after the cut: {sorted(remaining(volume, left))[:3]}")
        for digest in self._digests[::6]:
            status, body = self._after.ask(target(self._upstream, digest))
            found.count("pulls after a cut")
            found.expect(status == 200 and body == self._upstream.blobs[digest], f"{status} for {digest} after the cut")
