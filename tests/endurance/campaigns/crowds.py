"""A thousand slow and a thousand idle clients beside two hundred healthy ones, who notice nothing of them.

Half of the slow ones do not finish their question, half do not take the answer; half of the idle ones never ask, half
ask once and stay.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket
from dataclasses import dataclass
from statistics import median

from doubles.running_cache import eventually

from ..campaign import Found
from ..crowd import Pulls, idle, is_closed, loiter, pull
from ..traffic import target
from .one_cache import OneCache

_HEALTHY, _SLOW, _IDLE = 200, 1000, 1000
_ROUNDS = 5
_HEADS_GONE_WITHIN_S = 20.0  # 10 s by contract, and a busy machine
_PATIENCE_S, _GONE_WITHIN_S = 1.0, 20.0  # once all has been measured: nobody waits 75 s and 300 s
_GROWTH_LIMIT = 64 << 20
_LOST_LIMIT = 8 << 20  # in all crowds together: the allocator's own moods
_SLOWER_LIMIT, _SLACK_S = 1.5, 0.5  # wanted: without the half second, which two busy processors do not hold


@dataclass
class _Crowd:
    """Who is ended by which deadline: that of heads, of idle connections, of answers that are not taken."""

    unfinished: list[socket.socket]
    idle: list[socket.socket]
    stalled: list[socket.socket]

    @property
    def all(self) -> list[socket.socket]:
        return [*self.unfinished, *self.idle, *self.stalled]

    def leave(self) -> None:
        for sock in self.all:
            sock.close()


class Crowds(OneCache):
    name = "crowds"
    promise = (
        f"{_SLOW} slow and {_IDLE} idle clients make 99 of 100 pulls of {_HEALTHY} healthy clients beside them at most "
        f"{_SLOWER_LIMIT} times as slow and {_SLACK_S} seconds; each of them is ended at its deadline, and over all "
        f"crowds no descriptor and less than {_LOST_LIMIT >> 20} MiB of memory are lost to them"
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
        self._healthy()
        self._gather(random.Random("the first")).leave()
        self._settle()
        self.memory = self.cache.resident_bytes()

    def cycle(self, seed: str) -> Found:
        found = Found()
        alone = self._healthy()
        self._settle()
        descriptors, memory = self.cache.descriptors(), self.cache.resident_bytes()
        crowd = self._gather(random.Random(seed))
        try:
            self._settle()
            beside = self._healthy()
            grown = self.cache.resident_bytes() - memory
            found.count("clients that were no good", len(crowd.all))
            self._judge(found, alone, beside)
            found.expect(grown <= _GROWTH_LIMIT, f"the crowd cost {grown >> 20} MiB")
            self._deadlines_end(found, crowd, descriptors)
        finally:
            crowd.leave()
        self._settle()
        lost = self.cache.resident_bytes() - self.memory
        found.expect(lost <= _LOST_LIMIT, f"crowds that have left cost {lost >> 20} MiB so far")
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        return found

    def _healthy(self) -> list[Pulls]:
        """Of each round, in which all of them pull at the same time."""
        rounds = [Pulls() for _ in range(_ROUNDS)]

        async def all_of_them() -> None:
            for pulls in rounds:
                chosen = [self.digests[number % len(self.digests)] for number in range(_HEALTHY)]
                wanted = {digest: hashlib.sha256(self.upstream.blobs[digest]).digest() for digest in self.digests}
                port, upstream = self.cache.port, self.upstream
                await asyncio.gather(*(pull(port, target(upstream, one), wanted[one], pulls) for one in chosen))

        asyncio.run(all_of_them())
        return rounds

    def _gather(self, chance: random.Random) -> _Crowd:
        port = self.cache.port
        question, short = (
            f"GET {target(self.upstream, digest)} HTTP/1.1\r\nHost: cache\r\n\r\n".encode()
            for digest in (self.large, self.digests[0])
        )
        cut = [question[: chance.randrange(1, len(question) - 4)] for _ in range(_SLOW // 2)]
        return _Crowd(
            unfinished=[loiter(port, sent) for sent in (*cut, *[b""] * (_IDLE // 2))],
            idle=[idle(port, short) for _ in range(_IDLE // 2)],
            stalled=[loiter(port, question) for _ in range(_SLOW // 2)],
        )

    def _judge(self, found: Found, alone: list[Pulls], beside: list[Pulls]) -> None:
        """The middle one of the rounds counts, for other programs have their moments, too."""
        found.count("healthy pulls", sum(len(pulls.seconds) for pulls in (*alone, *beside)))
        wrong = [what for pulls in (*alone, *beside) for what in pulls.wrong]
        found.expect(not wrong, f"{len(wrong)} healthy pulls failed, such as {wrong[:2]}")
        slow_s, usual_s = (median(pulls.quantile_s(0.99) for pulls in rounds) for rounds in (beside, alone))
        within_s = _SLOWER_LIMIT * usual_s + _SLACK_S
        found.expect(slow_s <= within_s, f"99 of 100 healthy pulls took {slow_s:.2f} s, alone {usual_s:.2f} s")

    def _deadlines_end(self, found: Found, crowd: _Crowd, descriptors: int) -> None:
        """The clients keep their side: what comes back to the cache, it has taken back itself."""
        self._expect_closed(found, crowd.unfinished, _HEADS_GONE_WITHIN_S, "not finish their question")
        self.cache.change(patience_s=_PATIENCE_S)
        self._expect_closed(found, crowd.idle, _GONE_WITHIN_S, "stay idle")
        try:
            eventually(lambda: self.cache.descriptors() <= descriptors, _GONE_WITHIN_S)
        except AssertionError:
            left = self.cache.descriptors() - descriptors
            found.broken.append(f"{left} descriptors did not come back from those who do not take their answer")
        self.cache.change(patience_s=None)

    def _expect_closed(self, found: Found, socks: list[socket.socket], within_s: float, what: str) -> None:
        try:
            eventually(lambda: all(is_closed(sock) for sock in socks), within_s)
        except AssertionError:
            left = sum(not is_closed(sock) for sock in socks)
            found.broken.append(f"{left} clients may still {what} after {within_s:.0f} s")

    def _settle(self) -> None:
        """Until the cache has noticed who left: its descriptors have stopped becoming fewer."""
        seen: list[int] = []

        def steady() -> bool:
            seen.append(self.cache.descriptors())
            return len(seen) >= 8 and len(set(seen[-8:])) == 1

        eventually(steady, 30)
