"""One life under traffic, with a fault every two seconds: nothing wrong, no refusal but where the fault explains it, no
death, no growth."""

from __future__ import annotations

import random
import subprocess
import time

from doubles.certificates import Authority, plain_server
from doubles.running_cache import eventually
from doubles.upstream import Upstream

from ..campaign import Found
from ..lives import Cache, Nursery
from ..soak_faults import FAULTS, World
from ..traffic import Traffic, stock, target
from ..trend import Trend
from .one_cache import OneCache

_EVERY_S = 2.0
_AGAIN_WITHIN_S = 30.0  # service after a fault, on a busy machine
_BLOBS, _LARGEST = 60, 3_000_000
_VOLUME = "64m"
_ROOM = "10MB"  # less than half of all blobs: there is always something to fetch
_TRIES = 2
_SETTLING_FAULTS = 33
_DESCRIPTORS_SLACK = 40  # idle connections to upstreams, and clients that have just left


class Soak(OneCache):
    """Cycles share one life; a seed gives its fault, not the traffic before it."""

    name = "soak"
    promise = (
        "Under traffic with a fault every two seconds, beside one honest upstream, no answer is wrong, none is refused "
        "or cut but where the fault is the reason, every blob is served right after it, and the cache lives on and "
        "does not grow"
    )
    unit = "fault"
    share = 2.0
    ci, full = 6, 43_200

    def begin(self) -> None:
        self.nursery = Nursery()
        self.upstream = Upstream().__enter__()
        self.digests = stock(self.upstream, random.Random(self.name), _BLOBS, _LARGEST)
        authority, self.ca = Authority("first"), self.place / "ca.pem"
        self.ca.write_bytes(authority.pem)
        context = plain_server(*authority.issue(self.place, "127.0.0.1"))
        self.second = Upstream(
            context=context, origin=self.upstream.origin, key=self.upstream.key, blobs=self.upstream.blobs
        ).__enter__()
        volume = self.place / "volume"
        volume.mkdir()
        # Where nobody may mount, the volume is never full.
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_VOLUME}", "tmpfs", str(volume)]
        self.mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        options = {"maxsize": _ROOM, "stalltimeout": "1s", "cas": [str(self.ca)]}
        upstreams = [self.upstream.url, self.second.url]
        self.cache = Cache(
            self.nursery, self.place / "cache", upstreams, without=self.without, volume=volume, **options
        )
        self.begin_life()
        self.world = World(self.cache, self.upstream, self.second, self.digests, self.ca)
        self.faults = [fault for fault in FAULTS if self.mounted or fault.name != "a full volume"]
        self.born, self.open = self.cache.process, self.cache.descriptors()
        # Grants, heads and small blobs are remembered up to a bound, and threads keep their buffers: some 35 MiB.
        self.memory = Trend(first_limit=48 << 20, limit=12 << 20, settling=_SETTLING_FAULTS)
        self.descriptors = Trend(first_limit=_DESCRIPTORS_SLACK, limit=4)

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        fault = self.faults[int(seed.rpartition(":")[2]) % len(self.faults)]
        self.upstream.asked.clear()
        self.second.asked.clear()
        with Traffic(self.cache, self.upstream, self.digests, seed, clients=3) as traffic:
            with fault.lasting(self.world, chance):
                time.sleep(_EVERY_S)
            self._goes_on(fault.name, traffic, found)
        found.count(fault.name)
        self._judge(fault.name, fault.excuses, traffic, found)
        if self.cache.alive() and self.cache.process == self.born:
            self._serves(fault.name, found)
            self._grows(fault.name, found)
        else:
            found.broken.append(f"{fault.name}: it died: {self.cache.said(20)}")
        found.count("transfers from upstreams", len(self.upstream.blob_requests()) + len(self.second.blob_requests()))
        found.expect(self.cache.tracebacks() == 0, f"{fault.name}: a traceback: {self.cache.said(40)}")
        return found

    def _judge(self, kind: str, excuses: frozenset[str], traffic: Traffic, found: Found) -> None:
        seen = traffic.seen
        found.count("complete answers checked", seen.complete)
        found.broken += [f"{kind}: {wrong}" for wrong in seen.wrong]
        for what, times in seen.failed.items():
            found.count("answers that the fault explains", times * (what in excuses))
            found.expect(what in excuses, f"{kind}: {times} answers {what}, although one upstream is honest")

    def _goes_on(self, kind: str, traffic: Traffic, found: Found) -> None:
        before = traffic.seen.complete
        try:
            eventually(lambda: traffic.seen.complete > before or not self.cache.alive(), _AGAIN_WITHIN_S)
        except AssertionError:
            found.broken.append(f"after {kind}: not one complete answer within {_AGAIN_WITHIN_S:.0f} s")

    def _serves(self, kind: str, found: Found) -> None:
        """The fault is over: every blob, at the second try at the latest, for what a lie has spoilt breaks off once."""
        for digest in self.digests:
            for left in reversed(range(_TRIES)):
                try:
                    status, body = self.cache.ask(target(self.upstream, digest))
                except OSError as error:
                    status, body = repr(error), b""
                if status == 200 or not left:
                    break
            right = status == 200 and body == self.upstream.blobs[digest]
            found.expect(right, f"after {kind}: {status} with {len(body)} bytes for {digest}")

    def _grows(self, kind: str, found: Found) -> None:
        try:
            eventually(lambda: self.cache.descriptors() <= self.open + _DESCRIPTORS_SLACK, 20)
        except AssertionError:
            found.broken.append(f"{kind}: {self.cache.descriptors() - self.open} descriptors stay open")
        gained = self.memory.add(self.cache.resident_bytes())
        found.expect(gained is None, f"{kind}: it has grown by {(gained or 0) / (1 << 20):.1f} MiB")
        gained = self.descriptors.add(self.cache.descriptors())
        found.expect(gained is None, f"{kind}: it has {gained} descriptors more than at first")

    def end(self) -> None:
        super().end()
        if hasattr(self, "second"):
            self.second.__exit__()
        if getattr(self, "mounted", False):
            subprocess.run(["umount", "-l", str(self.place / "volume")], check=True)
