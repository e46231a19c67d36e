"""One life of a cache in which calls may fail, and what its clients want of it: fills, hits, parts, a herd, an end.

Owns what is held of such a life: each pull is asked for as often as calls have failed and once more, and that suffices;
what comes whole is right; what was opened is closed. Rule for editors: nothing here knows which call it is that fails.
"""

from __future__ import annotations

import http.client
import random
import shutil
import signal
import threading
import time
from pathlib import Path

from doubles.running_cache import eventually
from doubles.upstream import Upstream

from . import errands
from .asking import blob_target, credentials
from .campaign import Found
from .errands import Errand, Wanted
from .next_life import live_again
from .traced import Call, TracedCache

_STARTS_WITHIN_S = 20.0
_ENDS_WITHIN_S = 40.0
_ANSWERED_WITHIN_S = 15.0  # an upstream is asked four times, with pauses, before a client hears of it
_CLOSED_WITHIN_S = 5.0
_SETTLED_S = 0.2
_HERD = 3
# `far` is so large that its end is fetched by a connection of its own. TLS costs a call for each 16 KiB.
_SIZES = {"small": 3_000, "large": 500_000, "joined": 400_000, "far": 1_800_000, "last": 9}
_LESS = {"small": 3_000, "large": 400_000, "joined": 200_000, "far": 300_000, "last": 9}


class OneLife:
    """`what` names it in sentences. `may_be_open`: so many descriptors when its work is done. After `live`: `seen` is
    what it made of calls, `loop` its loop's thread, `left_open` the number of its descriptors, `failed_pulls` that of
    pulls that had to be asked for again, `traceback` the end of a log with one."""

    def __init__(self, cache: TracedCache, upstream: Upstream, what: str, found: Found, *, asks: bool) -> None:
        self.cache, self.what, self.found = cache, what, found
        self.may_be_open = 1000
        self.seen: list[Call] = []
        self.loop = self.left_open = 0
        self.failed_pulls, self.traceback = 0, ""
        self._upstream, self._asks = upstream, asks
        chance = random.Random(asks)
        self._blobs = {name: upstream.add(chance.randbytes(size)) for name, size in (_LESS if asks else _SIZES).items()}

    def live(self) -> None:
        """And once more, without a tracer, to see what was left behind. Nothing is left of either."""
        cache = self.cache
        try:
            cache.start()
            self.loop = cache.process or 0
            if self._serves():
                self._work()
                self._end()
            self.seen = cache.seen()
            self.traceback = cache.said(60) if cache.tracebacks() else ""
            cache.kill()
            cache.calls = ""
            live_again(cache, self.what, self.found)
        finally:
            cache.kill()
            shutil.rmtree(cache.config_path.parent, ignore_errors=True)

    def _serves(self) -> bool:
        """Does it, or has it ended with a reason?"""
        serves = "listening on" if self._asks else "discovery document refreshed"
        try:
            eventually(lambda: serves in self.cache.said(1000) or not self.cache.alive(), _STARTS_WITHIN_S)
        except AssertionError:
            self.found.broken.append(f"{self.what}: it neither serves nor ends: {self.cache.said()}")
            return False
        if self.cache.alive():
            return True
        self.found.count("starts refused with a sentence")
        self.found.expect(bool(self.cache.said()), f"{self.what}: it did not start, and says nothing")
        return False

    def _work(self) -> None:
        for errand, name in (
            (errands.whole, "small"),
            (errands.whole, "large"),
            (errands.twice, "small"),
            (errands.slowly, "large"),
            (errands.end, "large"),
            (errands.head, "large"),
            (errands.end, "far"),
            (errands.refused, "small"),
        ):
            self._run(errand, name)
            if self.found.broken:
                return
        self._join()
        if self._asks:
            self._run(errands.whole, "health")
        self._upstream.stop()  # idle connections are of no use any more: the next question closes them all
        self._upstream.start()
        self._run(errands.whole, "last")
        self.found.count("pulls that failed", self.failed_pulls)
        failed = f"{self.what}: {self.failed_pulls} pulls failed, and only {self._met()} calls"
        self.found.expect(self.failed_pulls <= self._met(), failed)
        self._close()

    def _run(self, errand: Errand, name: str) -> None:
        """As clients do: what breaks off, or says that it could not, is asked for again."""
        reasons: list[str] = []
        while reason := self._try(errand, name):
            reasons.append(reason)
            if len(reasons) > self._met():
                self.found.broken.append(f"{self.what}: no service to {errand.__name__}, {name}: {', '.join(reasons)}")
                break
        self.failed_pulls += len(reasons)

    def _try(self, errand: Errand, name: str) -> str:
        """Why there is no complete answer; empty: there is."""
        self.found.count("pulls")
        connection, wanted = self._wanted(name)
        try:
            came, right = errands.run(errand, connection, wanted)
        except TimeoutError:
            self.found.broken.append(f"{self.what}: no answer within {_ANSWERED_WITHIN_S} s: {errand.__name__}, {name}")
            return "no answer"
        except OSError as error:
            return repr(error)
        said = [status for status, _ in came]
        wrong = said == [status for status, _ in right] and came != right
        self.found.expect(not wrong, f"{self.what}: a complete answer with wrong bytes: {errand.__name__}, {name}")
        return "" if came == right or wrong else str(said)

    def _wanted(self, name: str) -> tuple[http.client.HTTPConnection, Wanted]:
        if name == "health":
            address = self.cache.config["http"]["debug"]["addr"]
            return http.client.HTTPConnection(address, timeout=_ANSWERED_WITHIN_S), Wanted("/debug/health", {}, b"{}")
        digest = self._blobs[name]
        where = blob_target(self._upstream, digest, asks=self._asks)
        wanted = Wanted(where, credentials(asks=self._asks), self._upstream.blobs[digest])
        return self.cache.connection(_ANSWERED_WITHIN_S), wanted

    def _join(self) -> None:
        """Several clients at once for one cold blob."""
        reasons: list[str] = []
        herd = [
            threading.Thread(target=lambda: reasons.append(self._try(errands.whole, "joined"))) for _ in range(_HERD)
        ]
        for client in herd:
            client.start()
        for client in herd:
            client.join()
        self.failed_pulls += sum(bool(reason) for reason in reasons)
        self._run(errands.whole, "joined")

    def _met(self) -> int:
        """So many calls have failed so far."""
        return sum(call.failed for call in self.cache.seen())

    def _close(self) -> None:
        try:
            eventually(lambda: self._open() <= self.may_be_open, _CLOSED_WITHIN_S)
        except (AssertionError, OSError):
            self.found.broken.append(f"{self.what}: descriptors stay open, or it is dead: {self._what_is_open()}")

    def _open(self) -> int:
        """Descriptors, of which those that are on their way out do not count."""
        before = self.cache.descriptors()
        time.sleep(_SETTLED_S)
        self.left_open = min(before, self.cache.descriptors())
        return self.left_open

    def _what_is_open(self) -> list[str]:
        try:
            return sorted(str(one.readlink()) for one in Path(f"/proc/{self.cache.process}/fd").iterdir())
        except OSError:
            return []

    def _end(self) -> None:
        self.cache.signal(signal.SIGTERM)
        try:
            eventually(lambda: not self.cache.alive(), _ENDS_WITHIN_S)
        except AssertionError:
            self.found.broken.append(f"{self.what}: it does not end: {self.cache.said()}")
