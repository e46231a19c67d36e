"""The seam is whole: what a cache does to its volume, seen by the kernel, is what storage's `Files` was asked to do.

Calls on sockets are not in it.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from doubles.certificates import Authority
from doubles.files import CALLS
from doubles.ports import free_port
from doubles.running_cache import eventually

from ..asking import ASKING, blob_target, credentials, over_tls
from ..campaign import CannotRun, Found
from ..lives import Cache
from ..seam import SENDING, read_trace
from .one_cache import OneCache

_START_WITHIN_S = 120.0  # under a tracer, on a machine that may have other things to do
_TAKES_ITS_ROOM_AT_ONCE = 2_000_000  # bytes; smaller ones take it as they come
_ONLY_WHEN_FULL = {"truncate"}  # gives back what a full volume gave of too large a claim; `failing calls` comes to it


class _Traced(Cache):
    """A cache whose lives are watched by strace, each adding to `trace`."""

    trace: Path
    watcher: subprocess.Popen[bytes]

    def start(self) -> None:
        self.renew_port()
        command = ["strace", "-f", "-y", "-s", "300", "-e", "trace=%file,%desc", "-A", "-o", str(self.trace)]
        command += [sys.executable, "-m", "endurance.seam", str(self.config_path)]
        log = self.log.open("ab")
        self.watcher = subprocess.Popen([*command, *filter(None, [self.without])], stdout=log, stderr=log)
        log.close()
        eventually(lambda: self._program() or self.watcher.poll() is not None, _START_WITHIN_S)
        self.process = self._program() or None

    def _program(self) -> int:
        """The traced process, 0 while there is none: strace forks for purposes of its own before."""
        try:
            children = Path(f"/proc/{self.watcher.pid}/task/{self.watcher.pid}/children").read_text(encoding="ascii")
        except FileNotFoundError:
            return 0
        for child in children.split():
            try:
                if Path(f"/proc/{child}/cmdline").read_bytes().startswith(sys.executable.encode() + b"\0"):
                    return int(child)
            except (FileNotFoundError, ProcessLookupError):
                continue
        return 0

    def stop(self) -> None:
        """As an operator does it: the cache drains."""
        self.signal(signal.SIGTERM)
        self.watcher.wait(60)
        self.process = None


class Seam(OneCache):
    name = "seam"
    promise = (
        "Every system call on the volume goes through one seam, of which each call is made to fail elsewhere; beside "
        "it, open files are only sent from. Calls on sockets are no part of it"
    )
    unit = "four traced lives of a cache: two with grants, two over TLS that ask the upstream and note its word"
    ci, full = 1, 20
    blobs, largest = 8, 3_000_000
    options = {"maxsize": "40MB"}  # noqa: RUF012

    def begin(self) -> None:
        if shutil.which("strace") is None:
            raise CannotRun("strace is not installed")
        super().begin()
        self.digests.append(self.upstream.add(random.Random(self.unit).randbytes(_TAKES_ITS_ROOM_AT_ONCE)))

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        used = self._lives(chance, found, {}) | self._lives(chance, found, ASKING)
        unused = {*CALLS, "close"} - used - _ONLY_WHEN_FULL
        found.expect(not unused, f"these lives did not come to {sorted(unused)}: they prove nothing about them")
        return found

    def _lives(self, chance: random.Random, found: Found, asking: dict[str, Any]) -> set[str]:
        """Two lives on one volume; which calls of the seam they came to."""
        folder = self.place / "lives"
        options: dict[str, Any] = self.options | asking
        cache = _Traced(self.nursery, folder, [self.upstream.url], without=self.without, **options)
        cache.trace = folder / "trace"
        cache.config["http"]["debug"] = {"addr": f"127.0.0.1:{free_port()}"}
        if asking:
            over_tls(cache, Authority("one").issue(folder, "127.0.0.1"))
        try:
            self._live(cache, chance, found)
            trace = cache.trace.read_text(encoding="utf-8", errors="replace") if cache.trace.exists() else ""
        finally:
            cache.kill()
        seen = read_trace(trace.splitlines(), str(cache.volume))
        found.count("calls of the seam", sum(seen.inside.values()))
        found.count("calls that send from an open file", sum(seen.outside[name] for name in SENDING))
        strangers = {call: example for call, example in seen.examples.items() if call not in SENDING}
        found.expect(not strangers, f"past the seam: {strangers}")
        for what in ("content-cache/days.json", *(["content-cache/answers/"] if asking else [])):
            found.expect(f"/{what}" in trace, f"these lives did not come to {what}")
        shutil.rmtree(folder, ignore_errors=True)
        return set(seen.inside)

    def _live(self, cache: Cache, chance: random.Random, found: Found) -> None:
        assert isinstance(cache, _Traced)
        for _ in range(2):  # fills, then a start on what is there, and hits
            cache.start()
            if not cache.listens(_START_WITHIN_S):
                found.broken.append(f"it did not start: {cache.said()}")
                return
            for digest in self.digests:
                first = chance.choice((0, 0, len(self.upstream.blobs[digest]) // 2))
                self._pull(cache, digest, first, found)
                self._pull(cache, digest, first, found)
            if "offline" in cache.options:
                self.upstream.stop()
                self._pull(cache, self.digests[1], 0, found)
                self.upstream.start()
            self._make_it_evict(cache, found)
            self._leave_behind(cache)
            cache.stop()
        found.expect(cache.tracebacks() == 0, f"a traceback: {cache.said(40)}")

    def _pull(self, cache: Cache, digest: str, first: int, found: Found) -> None:
        blob = self.upstream.blobs[digest]
        asks = "authorization" in cache.options
        where = blob_target(self.upstream, digest, asks=asks)
        wanted = {"Range": f"bytes={first}-", **credentials(asks=asks)}
        status, body = cache.ask(where, wanted, timeout_s=30)
        found.expect(status == 206 and body == blob[first:], f"{status} with {len(body)} bytes for {digest}")
        eventually(cache.stored(digest).exists)

    def _make_it_evict(self, cache: Cache, found: Found) -> None:
        cache.options["maxsize"] = "1B"
        cache.write_config()
        cache.signal(signal.SIGHUP)
        eventually(lambda: not any(cache.stored(digest).exists() for digest in self.digests), 30)
        cache.options["maxsize"] = self.options["maxsize"]
        cache.write_config()
        found.count("evictions", len(self.digests))

    def _leave_behind(self, cache: Cache) -> None:
        """For the next life: a rotten blob, and what a writer that died left."""
        path = cache.stored(self.digests[-1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"rotten")
        (cache.volume / "content-cache/unfinished" / f"{'0' * 64}.dead").write_bytes(b"half of it")
