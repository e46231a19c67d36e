"""Keeps the discovery document: the last good one, from disk at first, from the upstreams on a schedule.

Owns when to ask and what to keep; how to fetch and where to store are given to it. Rule for editors: only a document
that parsed replaces the one in use, and only one question is under way at any time. Event loop only.
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
from .response_head import HopFailed

REFRESH_EVERY_S = 300.0
RETRY_LIMIT_S = 30.0
UNKNOWN_KEY_EVERY_S = 10.0


class DiscoveryKeeper:
    """`fetch(upstream, path)` raises HopFailed; `recall` gives the bytes that the last run gave to `remember`, or None;
    both may raise Failure. `consulted` names the authorities that certificates are judged by."""

    def __init__(
        self,
        order: Callable[[], Sequence[Upstream]],
        fetch: Callable[[Upstream, str], Awaitable[bytes]],
        recall: Callable[[], bytes | None],
        remember: Callable[[bytes], None],
        adopt: Callable[[Discovery], None],
        clock: Clock,
        emit: Emit,
        *,
        consulted: Callable[[], str] = str,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._order, self._fetch = order, fetch
        self._recall, self._remember, self._adopt = recall, remember, adopt
        self._clock, self._emit, self._consulted = clock, emit, consulted
        self._pause, self._jitter = pause, jitter
        self._current: Discovery | None = None
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
        authorities judged it; None: the last question was answered."""
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
        if self._asking is None or self._asking.done():
            self._asked_s = self._clock.steady()
            self._asking = asyncio.get_running_loop().create_task(self._ask_each())
        # Many may wait for one question: that one of them leaves must not end it.
        return await asyncio.shield(self._asking)

    async def ask_anew(self, reason: str) -> bool:
        """As `refresh`, but by a question that begins now: what one under way finds out counts no longer."""
        if self._asking is not None and not self._asking.done():
            await asyncio.wait([self._asking])
        self._stale = reason
        return await self.refresh()

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
        self._take(discovery, recalled=True)

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
        if failures == 0:
            wait_s = REFRESH_EVERY_S
        elif self._current is None:
            wait_s = min(2.0 ** min(failures - 1, 10), RETRY_LIMIT_S)
        else:
            wait_s = RETRY_LIMIT_S
        return wait_s * (0.9 + 0.1 * self._jitter())

    async def _ask_each(self) -> bool:
        problems = []
        for upstream in self._order():
            try:
                discovery = parse_discovery(await self._fetch(upstream, DISCOVERY_PATH))
            except HopFailed as failure:
                consulted = self._consulted() if failure.tls else ""
                self._emit(UpstreamFailed(upstream.url, f"discovery: {failure}", 0.0, consulted))
                problems.append(f"{upstream.url}: {failure}" + (f" (judged by {consulted})" if consulted else ""))
            except DiscoveryRefused as failure:
                self._emit(UpstreamFailed(upstream.url, f"discovery: {failure}", 0.0))
                problems.append(f"{upstream.url}: {failure}")
            else:
                self._answered_s, self._stale = self._clock.steady(), None
                self._take(discovery)
                self._keep_on_disk(discovery.raw)
                return True
        self._stale = "; ".join(problems)
        kept = "the last good document stays in use" if self._current else "there is none to fall back on"
        self._emit(DiscoveryRefreshed("", 0, f"no upstream gave a discovery document; {kept}"))
        return False

    def _take(self, discovery: Discovery, recalled: bool = False) -> None:
        before, self._current = self._current, discovery
        self._adopt(discovery)
        problem = ""
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
