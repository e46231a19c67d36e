"""A thousand slow and a thousand idle clients beside two hundred healthy ones, who notice nothing of them."""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket

from doubles.running_cache import eventually

from ..campaign import Found
from ..crowd import Pulls, is_closed, loiter, pull
from ..traffic import target
from .one_cache import OneCache

_HEALTHY, _SLOW, _IDLE = 200, 1000, 1000
_ROUNDS = 3
_HEAD_GONE_WITHIN_S = 20.0  # 10 s by contract, and a busy machine
_GROWTH_LIMIT = 64 << 20
_SLOWER_LIMIT, _SLACK_S = 1.5, 0.5


class Crowds(OneCache):
    name = "crowds"
    promise = (
        f"{_SLOW} slow and {_IDLE} idle clients cost the {_HEALTHY} healthy ones beside them next to no time, and the "
        "cache no memory and no descriptor that it does not get back"
    )
    unit = "crowd"
    ci, full = 1, 100
    teeth_in_ci = False
    blobs, largest = 4, 400_000

    def begin(self) -> None:
        super().begin()
        self.large = self.upstream.add(random.Random("large").randbytes(8_000_000))
        self.begin_life()
        for digest in (*self.digests, self.large):
            self.cache.ask(target(self.upstream, digest))
            eventually(self.cache.stored(digest).exists)

    def cycle(self, seed: str) -> Found:
        found = Found()
        alone = self._healthy()
        self._settle()
        descriptors, memory = self.cache.descriptors(), self.cache.resident_bytes()
        crowd = self._gather(random.Random(seed))
        try:
            beside = self._healthy()
            grown = self.cache.resident_bytes() - memory
            found.count("clients that were no good", len(crowd))
            self._judge(found, alone, beside)
            found.expect(grown <= _GROWTH_LIMIT, f"the crowd cost {grown >> 20} MiB")
            self._heads_end(found, crowd)
        finally:
            for sock in crowd:
                sock.close()
        self._settle()
        left = self.cache.descriptors() - descriptors
        found.expect(left <= 0, f"{left} descriptors did not come back")
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        return found

    def _healthy(self) -> Pulls:
        pulls = Pulls()

        async def all_of_them() -> None:
            for _ in range(_ROUNDS):
                chosen = [self.digests[number % len(self.digests)] for number in range(_HEALTHY)]
                wanted = {digest: hashlib.sha256(self.upstream.blobs[digest]).digest() for digest in self.digests}
                port, upstream = self.cache.port, self.upstream
                await asyncio.gather(*(pull(port, target(upstream, one), wanted[one], pulls) for one in chosen))

        asyncio.run(all_of_them())
        return pulls

    def _gather(self, chance: random.Random) -> list[socket.socket]:
        """Half of the slow ones do not finish their question, half do not read the answer."""
        port, asked = self.cache.port, target(self.upstream, self.large)
        question = f"GET {asked} HTTP/1.1\r\nHost: cache\r\n\r\n".encode()
        cut = [question[: chance.randrange(1, len(question) - 4)] for _ in range(_SLOW // 2)]
        return [loiter(port, sent) for sent in (*cut, *[question] * (_SLOW // 2), *[b""] * _IDLE)]

    def _judge(self, found: Found, alone: Pulls, beside: Pulls) -> None:
        found.count("healthy pulls", len(alone.seconds) + len(beside.seconds))
        wrong = alone.wrong + beside.wrong
        found.expect(not wrong, f"{len(wrong)} healthy pulls failed, such as {wrong[:2]}")
        slow_s, usual_s = beside.quantile_s(0.99), alone.quantile_s(0.99)
        within_s = _SLOWER_LIMIT * usual_s + _SLACK_S
        found.expect(slow_s <= within_s, f"99 of 100 healthy pulls took {slow_s:.2f} s, alone {usual_s:.2f} s")

    def _heads_end(self, found: Found, crowd: list[socket.socket]) -> None:
        unfinished = crowd[: _SLOW // 2]
        try:
            eventually(lambda: all(is_closed(sock) for sock in unfinished), _HEAD_GONE_WITHIN_S)
        except AssertionError:
            left = sum(not is_closed(sock) for sock in unfinished)
            found.broken.append(f"{left} clients may still not finish their question after {_HEAD_GONE_WITHIN_S:.0f} s")

    def _settle(self) -> None:
        """Until the cache has noticed who left: its descriptors have stopped becoming fewer."""
        seen: list[int] = []

        def steady() -> bool:
            seen.append(self.cache.descriptors())
            return len(seen) >= 8 and len(set(seen[-8:])) == 1

        eventually(steady, 30)
