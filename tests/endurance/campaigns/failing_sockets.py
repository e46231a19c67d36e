"""The Nth call on a socket fails, for every N of a cache's life, towards its clients and its upstream: starting, asking
for keys, filling, hits, a herd, ending; and of a second life, over TLS, asking the upstream who may read. It is the
real program before strace, which lets the kernel say no."""

from __future__ import annotations

import shutil
from typing import Any

from doubles.certificates import Authority, plain_server
from doubles.upstream import Upstream

from ..asking import ASKING, over_tls
from ..campaign import CannotRun, Found, number_of
from ..one_life import OneLife
from ..socket_calls import CASES, ERRORS, LIVES, Case, Life, too_many
from ..traced import TracedCache
from .one_cache import OneCache


class FailingSockets(OneCache):
    name = "failing sockets"
    promise = (
        "Whichever call on a socket fails, once or three times, no answer is wrong, at most one pull fails for each "
        "call towards clients and none for one towards the upstream, and no descriptor and no bytes are left over"
    )
    unit = "life with a call on a socket that fails"
    ci, full = 10, len(CASES)
    options = {"maxsize": "40MB"}  # noqa: RUF012

    def begin(self) -> None:
        if shutil.which("strace") is None:
            raise CannotRun("strace is not installed")
        super().begin()
        authority = Authority("one")
        self._pair = authority.issue(self.place, "127.0.0.1")
        self._trusted = self.place / "authority.pem"
        self._trusted.write_bytes(authority.pem)
        self._secure = Upstream(plain_server(*self._pair)).__enter__()
        self._left_open = {life.name: self._count(life) for life in LIVES}

    def end(self) -> None:
        if hasattr(self, "_secure"):
            self._secure.__exit__()
        super().end()

    def _count(self, life: Life) -> int:
        """What a life without a fault makes of calls is no more than CASES have; how many descriptors it ends with."""
        found = Found()
        one = self._life(life, life.name, found)
        one.cache.calls = f"%network,{','.join(ERRORS)}"
        one.live()
        many = too_many(life, one.seen, one.loop)
        found.expect(not many, f"there are calls that never fail: {', '.join(many)}")
        if found.broken or one.traceback:
            raise RuntimeError(f"{life.name}: a life without a fault goes wrong: {found.broken} {one.traceback}")
        return one.left_open

    def _life(self, life: Life, what: str, found: Found) -> OneLife:
        upstream, options = self.upstream, dict[str, Any](self.options)
        if life.asks:
            upstream = self._secure
            options |= {**ASKING, "cas": [str(self._trusted)]}
        cache = TracedCache(self.nursery, self.place / "one", [upstream.url], without=self.without, **options)
        if life.asks:
            over_tls(cache, self._pair)
        return OneLife(cache, upstream, what, found, asks=life.asks)

    def cycle(self, seed: str) -> Found:
        return self.cycle_of(CASES[number_of(seed) % len(CASES)])

    def cycle_of(self, case: Case) -> Found:
        found = Found()
        one = self._life(case.life, str(case), found)
        one.may_be_open = self._left_open[case.life.name]
        one.cache.calls, one.cache.injected, one.cache.others = case.call, case.injected, case.others
        one.live()
        failed = [call for call in one.seen if call.failed]
        if not all(case.is_real(call) or case.is_borne(call) for call in failed):
            found.count("lives not judged: strace met a file")
            found.broken.clear()
            return found
        found.count("faults met", len(failed))
        towards_clients = [call for call in failed if not case.others or call.thread == one.loop]
        beyond = len(failed) - len(towards_clients) if case.others else len(failed)
        found.expect(not (case.is_last and beyond), f"{case} lies within the life: there are calls that never fail")
        odd = not all(case.is_real(call) for call in failed)
        found.expect(odd or not one.traceback, f"{case}: a traceback: {one.traceback}")
        costly = one.failed_pulls and not towards_clients and not case.in_a_row
        found.expect(not costly, f"{case}: {one.failed_pulls} pulls failed, where only the upstream's line did")
        return found
