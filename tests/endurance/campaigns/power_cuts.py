"""The power fails: what was not flushed is lost. An ext4 on a loop device, its backing file copied at a moment's cut.

The cache is stopped (SIGSTOP) and the backing file copied until two copies are equal: all that is still in the page
cache of the file system is missing there, as after a power cut. The copy is mounted, which replays its journal.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time

from doubles.upstream import Upstream

from ..campaign import Campaign, CannotRun, Found
from ..lives import Cache, Nursery, blobs_on
from ..traffic import Traffic, stock, target

_IMAGE_MIB = 48
_BLOBS, _LARGEST = 60, 600_000


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"`{' '.join(command[:3])} …` failed here: {done.stderr.strip()}")


class PowerCuts(Campaign):
    name = "power cuts"
    promise = "Whenever the power fails, a blob is on the disk whole or not at all"
    unit = "power cut on ext4"
    ci, full = 25, 2_000

    def begin(self) -> None:
        if os.geteuid() != 0:
            raise CannotRun("mounting a loop device needs root")
        self._disk, self._cut = self.place / "disk", self.place / "cut"
        self._image, self._copy = self.place / "disk.img", self.place / "cut.img"
        for folder in (self._disk, self._cut):
            folder.mkdir()
        self._image.write_bytes(b"")
        os.truncate(self._image, _IMAGE_MIB << 20)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        _run("mount", "-o", "loop,discard", str(self._image), str(self._disk))
        self._nursery = Nursery()
        self._upstream = Upstream().__enter__()
        self._digests = stock(self._upstream, random.Random("power"), _BLOBS, _LARGEST)
        room = {"maxsize": "8MB", "minfree": "1%"}
        self._cache = Cache(
            self._nursery, self.place / "a", [self._upstream.url], without=self.without, volume=self._disk / "v", **room
        )
        self._after = Cache(self._nursery, self.place / "b", [self._upstream.url], volume=self._cut / "v")

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
        self._upstream.asked.clear()
        self._cache.start()
        if not self._cache.listens():
            found.broken.append(f"it did not start: {self._cache.said()}")
            self._cache.kill()
            return found
        with Traffic(self._cache, self._upstream, self._digests, seed, clients=3) as traffic:
            time.sleep(chance.uniform(0.05, 0.5))
            self._cache.signal(signal.SIGSTOP)
            self._take_the_cut()
            self._cache.kill()
        found.broken += traffic.seen.wrong
        self._look(found)
        return found

    def _take_the_cut(self) -> None:
        """Equal twice: the kernel's own writing was not caught midway."""
        before = ""
        while True:
            shutil.copyfile(self._image, self._copy)
            now = hashlib.sha256(self._copy.read_bytes()).hexdigest()
            if now == before:
                return
            before = now

    def _look(self, found: Found) -> None:
        _run("mount", "-o", "loop", str(self._copy), str(self._cut))
        try:
            blobs, wrong = blobs_on(self._cut / "v")
            found.count("blobs after a cut checked", blobs)
            found.expect(not wrong, f"{len(wrong)} of {blobs} blobs have wrong bytes, such as {wrong[:1]}")
            self._serve_from(found)
        finally:
            self._after.kill()
            _run("umount", str(self._cut))

    def _serve_from(self, found: Found) -> None:
        """The cache starts on what the cut left, and every pull is right."""
        self._after.start()
        if not self._after.listens():
            found.broken.append(f"it did not start after the cut: {self._after.said()}")
            return
        for digest in self._digests[::6]:
            status, body = self._after.ask(target(self._upstream, digest))
            found.count("pulls after a cut")
            found.expect(status == 200 and body == self._upstream.blobs[digest], f"{status} for {digest} after the cut")
