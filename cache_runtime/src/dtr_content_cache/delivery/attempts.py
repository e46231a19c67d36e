"""One question put to the upstreams in turn until one answers it; what each answer means for the next.

An answer that may be temporary is never the client's while another way exists, because for real clients 404, 401 and
503 end a pull. So: a hop that fails is rested and the next one asked; after a round without any gain all are asked
again, with pauses, a few times; "unknown" is believed only when every authoritative hop says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..settings.model import Upstream
from ..upstream.response_head import HopFailed, ResponseHead
from ..upstream.turns import Turns
from ..values.events import Emit, UpstreamFailed, UpstreamRecovered
from ..values.failures import BlobUnknown, UpstreamDenied, UpstreamUnavailable
from .limits import RETRY_AFTER_HONOURED_S, ROUND_PAUSE_S, ROUNDS_LIMIT


class HopUnknown(Exception):
    """This hop says that the blob does not exist."""


class HopDenied(Exception):
    """This hop refuses the grant or the credentials."""


def judge_status(head: ResponseHead) -> None:
    """Return for 200 and 206; raise what any other status means."""
    if head.status in (200, 206):
        return
    if head.status in (404, 410):
        raise HopUnknown
    if head.status in (401, 403):
        raise HopDenied
    raise HopFailed(f"status {head.status}", head.retry_after_s())


class Attempts:
    """The upstreams' turns, and where to say what went wrong. `consulted` names the CA files for TLS failures."""

    def __init__(self, turns: Turns, emit: Emit, consulted: Callable[[], str]) -> None:
        self.turns = turns
        self._emit = emit
        self._consulted = consulted

    def failed(self, hop: Upstream, failure: HopFailed) -> None:
        rest_s = self.turns.failed(hop, failure.retry_after_s)
        self._emit(UpstreamFailed(hop.url, str(failure), rest_s, self._consulted() if failure.tls else ""))

    def succeeded(self, hop: Upstream) -> None:
        if self.turns.succeeded(hop):
            self._emit(UpstreamRecovered(hop.url))

    async def until_answered(
        self, attempt: Callable[[Upstream], Awaitable[None]], gained: Callable[[], int] = lambda: 0
    ) -> None:
        """Return after an attempt that succeeded, or failed after `gained()` had grown: the caller looks what is left.

        Raise BlobUnknown, UpstreamDenied or UpstreamUnavailable; whatever else `attempt` raises passes through.
        """
        for round_number in range(ROUNDS_LIMIT):
            failures, denied = [], False
            for hop in self.turns.order():
                before = gained()
                try:
                    await attempt(hop)
                except HopUnknown:
                    self.succeeded(hop)
                except HopDenied:
                    self.succeeded(hop)
                    denied = True
                except HopFailed as failure:
                    self.failed(hop, failure)
                    if gained() > before:
                        return
                    failures.append(failure)
                else:
                    self.succeeded(hop)
                    return
            if not failures:
                raise UpstreamDenied("every upstream refused") if denied else BlobUnknown("no upstream knows the blob")
            await self._pause(round_number, failures)

    async def _pause(self, round_number: int, failures: list[HopFailed]) -> None:
        asked = [failure.retry_after_s for failure in failures if failure.retry_after_s]
        retry_after_s = min(asked) if asked else None
        hopeless = retry_after_s is not None and retry_after_s > RETRY_AFTER_HONOURED_S
        if hopeless or round_number == ROUNDS_LIMIT - 1:
            raise UpstreamUnavailable(f"no upstream delivers: {failures[-1]}", retry_after_s)
        await asyncio.sleep(max(ROUND_PAUSE_S * 2**round_number, retry_after_s or 0))
