"""Keeps the discovery document: the last good one, from disk at first, from the upstreams on a schedule.

Owns when to ask and what to keep; how to fetch and where to store are given to it. Rule for editors: only a document
that parsed replaces the one in use, only one question is under way at any time, and what an upstream gave ends with it:
when others are asked in its place and none answers, no key is good, as after a restart. Event loop only.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Awaitable, Callable, Sequence

from ..admission.discovery_document import DISCOVERY_PATH, Discovery, parse_discovery
from ..settings.model import Upstream
from ..values.clock import Clock
from ..values.events import DiscoveryRefreshed, Emit, Fault, StorageTrouble, UpstreamFailed
from ..values.failures import DiscoveryRefused, Failure
from .clocks import disagreement
from .exchange import Document
from .response_head import HopFailed

REFRESH_EVERY_S = 300.0
RETRY_LIMIT_S = 30.0
UNKNOWN_KEY_EVERY_S = 10.0


class DiscoveryKeeper:
    """`fetch(upstream, path)` raises HopFailed; `recall` gives the bytes that the last run gave to `remember`, or None;
    both may raise Failure. `clock_skew_s`: how far an upstream's clock may be from ours. `consulted` names the
    authorities that certificates are judged by."""

    def __init__(
        self,
        order: Callable[[], Sequence[Upstream]],
        fetch: Callable[[Upstream, str], Awaitable[Document]],
        recall: Callable[[], bytes | None],
        remember: Callable[[bytes], None],
        adopt: Callable[[Discovery | None], None],
        clock: Clock,
        emit: Emit,
        *,
        clock_skew_s: float,
        consulted: Callable[[], str] = str,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._order, self._fetch = order, fetch
        self._recall, self._remember, self._adopt = recall, remember, adopt
        self._clock, self._emit, self._consulted = clock, emit, consulted
        self._pause, self._jitter, self._clock_skew_s = pause, jitter, clock_skew_s
        self._current: Discovery | None = None
        self._givers: frozenset[str] = frozenset()  # the URLs of those who may have given it
        self._remembered: bytes | None = None
        self._asked_s = float("-inf")
        self._answered_s: float | None = None
        self._stale: str | None = "no upstream has answered yet"
        self._asking: asyncio.Task[bool] | None = None
        self._schedule: asyncio.Task[None] | None = None

    @property
    def document(self) -> bytes | None:
        """The last good document as received, to relay; None: there has never been one."""
        return self._current.raw if self._current else None

    @property
    def age_s(self) -> float | None:
        """Seconds since an upstream last gave it; None: not in this run."""
        return None if self._answered_s is None else self._clock.steady() - self._answered_s

    @property
    def stale(self) -> str | None:
        """Why the document in use may not be what the upstreams say now, with what each of them answered and which
        authorities judged it, or why grants cannot be judged by it: the clocks disagree. None: all is well."""
        return self._stale

    def start(self) -> None:
        """Adopt what the last run remembered, then ask the upstreams, now and on schedule, until `stop`."""
        self._adopt_remembered()
        self._schedule = asyncio.get_running_loop().create_task(self._keep_asking())

    async def stop(self) -> None:
        tasks = [task for task in (self._schedule, self._asking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def refresh(self) -> bool:
        """Ask the upstreams now, or join the question under way. True: one gave a good document."""
        asking = self._begin() if self._asking is None or self._asking.done() else self._asking
        # Many may wait for one question: that one of them leaves must not end it.
        await asyncio.wait([asking])
        while self._asking is not None and asking is not self._asking:
            asking = self._asking  # it was asked anew meanwhile, and that answer counts
            await asyncio.wait([asking])
        return asking.result()

    def ask_anew(self, reason: str) -> None:
        """A question that begins now, for all who wait: what one under way finds out counts no longer, and nobody waits
        for it, as it may be put to the very upstream that is being replaced because it hangs."""
        if self._asking is not None:
            self._asking.cancel()
        self._stale = reason
        self._remembered = None  # it is kept on disk as another upstream's
        self._begin()
        if self._schedule is not None:  # which waits for as long as befits what it last heard
            self._schedule.cancel()
            self._schedule = asyncio.get_running_loop().create_task(self._keep_asking())

    def _begin(self) -> asyncio.Task[bool]:
        self._asked_s = self._clock.steady()
        self._asking = asyncio.get_running_loop().create_task(self._ask_each())
        return self._asking

    async def refresh_for_unknown_key(self) -> bool:
        """True: the document is newer than the question, look again. False at once within 10 s of the last question."""
        under_way = self._asking is not None and not self._asking.done()
        if not under_way and self._clock.steady() - self._asked_s < UNKNOWN_KEY_EVERY_S:
            return False
        return await self.refresh()

    def _adopt_remembered(self) -> None:
        try:
            raw = self._recall()
            if raw is None:
                return
            discovery = parse_discovery(raw)
        except Failure as failure:
            self._emit(DiscoveryRefreshed("", 0, f"the remembered document is not usable: {failure}"))
            return
        self._remembered = raw
        self._givers = frozenset(upstream.url for upstream in self._order())
        self._take(discovery, "", recalled=True)

    async def _keep_asking(self) -> None:
        failures = 0
        while True:
            try:
                failures = 0 if await self.refresh() else failures + 1
            except Exception:
                # A bug of ours must not end the schedule: keys would then never change again.
                failures += 1
                self._emit(Fault("discovery", traceback.format_exc()))
            await self._pause(self._wait_s(failures))

    def _wait_s(self, failures: int) -> float:
        if failures == 0 and self._stale is None:
            wait_s = REFRESH_EVERY_S
        elif self._current is None:
            wait_s = min(2.0 ** min(failures - 1, 10), RETRY_LIMIT_S)
        else:
            wait_s = RETRY_LIMIT_S
        return wait_s * (0.9 + 0.1 * self._jitter())

    async def _ask_each(self) -> bool:
        problems, asked = [], self._order()
        for upstream in asked:
            try:
                fetched = await self._fetch(upstream, DISCOVERY_PATH)
                discovery = parse_discovery(fetched.body)
            except HopFailed as failure:
                consulted = self._consulted() if failure.tls else ""
                self._emit(UpstreamFailed(upstream.url, f"discovery: {failure}", 0.0, consulted))
                problems.append(f"{upstream.url}: {failure}" + (f" (judged by {consulted})" if consulted else ""))
            except DiscoveryRefused as failure:
                self._emit(UpstreamFailed(upstream.url, f"discovery: {failure}", 0.0))
                problems.append(f"{upstream.url}: {failure}")
            else:
                now_s = self._clock.wall()
                self._answered_s = self._clock.steady()
                self._stale = disagreement(upstream.url, fetched.date_s, now_s, self._clock_skew_s)
                self._givers = frozenset((upstream.url,))
                self._take(discovery, self._stale or "")
                self._keep_on_disk(discovery.raw)
                return True
        self._stale = "; ".join(problems)
        if self._current is not None and self._givers.isdisjoint(upstream.url for upstream in asked):
            self._current = None
            self._adopt(None)
        kept = "the last good document stays in use" if self._current else "there is none to fall back on"
        self._emit(DiscoveryRefreshed("", 0, f"no upstream gave a discovery document; {kept}"))
        return False

    def _take(self, discovery: Discovery, problem: str, *, recalled: bool = False) -> None:
        before, self._current = self._current, discovery
        self._adopt(discovery)
        if before is not None and before.origin != discovery.origin:
            problem = (
                f"the origin changed from {before.origin} to {discovery.origin}: grants of the old one are refused"
            )
        self._emit(DiscoveryRefreshed(discovery.origin, len(discovery.keys.keys), problem, recalled))

    def _keep_on_disk(self, raw: bytes) -> None:
        if raw == self._remembered:
            return
        try:
            self._remember(raw)
        except Failure as failure:
            self._emit(StorageTrouble("remembering", str(failure)))
        else:
            self._remembered = raw
