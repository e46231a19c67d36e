"""Clients that pull at random until they are told to stop, and remember what they got."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from doubles.upstream import Upstream

from .lives import Cache


def sizes(chance: random.Random, number: int, largest: int) -> list[int]:
    """Of blobs: the edges, then as many small as large ones."""
    edges = [1, 4095, 4096, 65_536, 65_537]
    return (edges + [int(largest ** chance.uniform(0.3, 1.0)) for _ in range(number)])[:number]


def stock(upstream: Upstream, chance: random.Random, number: int, largest: int) -> list[str]:
    """The digests of new blobs of the upstream."""
    return [upstream.add(chance.randbytes(size)) for size in sizes(chance, number, largest)]


def target(upstream: Upstream, digest: str) -> str:
    return f"/v2/org/app/blobs/{digest}?grant={upstream.grant(digest)}"


@dataclass
class Seen:
    """`pulled`: when each digest's last complete pull was asked for; `ended`: when the last attempt was over, complete
    or not. Both in seconds since the epoch. `wrong`: sentences."""

    complete: int = 0
    broken_off: int = 0
    refused: int = 0
    failed: Counter[str] = field(default_factory=Counter)  # what those two were: statuses, "broken off"
    pulled: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


class Traffic:
    """`with Traffic(...) as traffic:`; `seen` is whole after the context."""

    def __init__(self, cache: Cache, upstream: Upstream, digests: list[str], seed: str, clients: int = 4) -> None:
        self._cache, self._upstream, self._digests = cache, upstream, digests
        self.seen = Seen()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(f"{seed}/{number}"),)) for number in range(clients)
        ]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, chance: random.Random) -> None:
        while not self._stop.is_set():
            self._pull(chance.choice(self._digests), chance)

    def _pull(self, digest: str, chance: random.Random) -> None:
        blob = self._upstream.blobs[digest]
        first = chance.randrange(len(blob)) if chance.random() < 0.3 else 0
        headers = {"Range": f"bytes={first}-"} if first else {}
        asked_s = time.time()
        try:
            status, body = self._cache.ask(target(self._upstream, digest), headers)
        except ConnectionRefusedError:
            return  # it is dead, or not born yet
        except OSError:
            with self._lock:
                self.seen.broken_off += 1
                self.seen.failed["broken off"] += 1
                self._ended(digest)
            return
        with self._lock:
            self._ended(digest)
            if status not in (200, 206):
                self.seen.refused += 1
                self.seen.failed[str(status)] += 1
                return
            self.seen.complete += 1
            self.seen.pulled[digest] = max(self.seen.pulled.get(digest, 0.0), asked_s)
            if body != blob[first:]:
                got = hashlib.sha256(body).hexdigest()
                self.seen.wrong.append(f"{status} for {digest} from byte {first}: {len(body)} bytes, sha256 {got}")

    def _ended(self, digest: str) -> None:
        self.seen.ended[digest] = time.time()
