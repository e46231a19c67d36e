"""One question put to the upstreams in turn until one answers it; what each answer means for the next.

An answer that may be temporary is never the client's while another way exists, because for real clients 404, 401 and
503 end a pull. So: a hop that fails is rested and the next one asked; after a round without any gain all are asked
again, with pauses, a few times; "unknown" and "denied" are believed when every authoritative hop says so. A hop whose
own way leads in a circle is not asked again for the same thing.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection
from typing import NoReturn

from ..settings.model import Upstream
from ..upstream.response_head import HopFailed, HopLooped, ResponseHead
from ..upstream.turns import Turns
from ..values.events import Emit, UpstreamFailed, UpstreamRecovered
from ..values.failures import BlobUnknown, CircleRefused, UpstreamDenied, UpstreamUnavailable
from .limits import PATIENCE_S, RETRY_AFTER_HONOURED_S, ROUND_PAUSE_S, ROUNDS_LIMIT


class HopUnknown(Exception):
    """This hop says that the blob does not exist."""


class HopDenied(Exception):
    """This hop refuses the grant or the credentials."""


Answers = dict[Upstream, HopUnknown | HopDenied | HopFailed]


def judge_status(head: ResponseHead) -> None:
    """Return for 200 and 206; raise what any other status means."""
    if head.status in (200, 206):
        return
    if head.status in (404, 410):
        raise HopUnknown
    if head.status in (401, 403):
        raise HopDenied
    refuse_failure(head)


def refuse_failure(head: ResponseHead) -> NoReturn:
    """Raise what a status means that is neither the thing asked for nor a word on it."""
    if head.status == 508:
        raise HopLooped
    if head.status == 407:
        raise HopFailed("the proxy on the way wants (other) credentials (status 407)")
    raise HopFailed(f"status {head.status}", head.retry_after_s(), limited=head.status == 429)


def conclude(answers: Answers) -> None:
    """Raise BlobUnknown, UpstreamDenied or CircleRefused where nothing still to come could change that. Pure.

    The caches of the 2.2 form have no say in it as long as an origin has: a cache may not know, or be down.
    """
    deciding = [answer for hop, answer in answers.items() if hop.authoritative] or list(answers.values())
    failed = [answer for answer in deciding if isinstance(answer, HopFailed)]
    if failed and all(isinstance(answer, HopLooped) for answer in failed):
        raise CircleRefused("every upstream that could know leads in a circle")
    if failed:
        return
    if any(isinstance(answer, HopDenied) for answer in deciding):
        raise UpstreamDenied("every upstream refused")
    raise BlobUnknown("no upstream knows the blob")


def pause_s(round_number: int, holds_s: list[float | None], spent_s: float, rounds: int = ROUNDS_LIMIT) -> float | None:
    """How long to wait before the next of `rounds`, or None: it is no use. Pure.

    `holds_s`: for each hop that failed, the seconds for which it asked to be left alone, None where it did not;
    `spent_s`: what all rounds have taken so far. However long the first one took, a second is worth it: a line that
    went dead without a word takes a whole stall timeout to be noticed, and is well on a new connection.
    """
    if round_number >= rounds - 1:
        return None
    held = [hold_s for hold_s in holds_s if hold_s is not None]
    until_first_s = min(held) if len(held) == len(holds_s) and held else 0.0
    if until_first_s > RETRY_AFTER_HONOURED_S:
        return None
    seconds = max(ROUND_PAUSE_S * 2**round_number, until_first_s)
    first_retry_at_once = round_number == 0 and until_first_s == 0.0
    return seconds if first_retry_at_once or spent_s + seconds <= PATIENCE_S else None


class Attempts:
    """The upstreams' turns, and where to say what went wrong. `consulted` names the CA files for TLS failures.

    `probe` asks an upstream whether it is there, raising HopFailed. With it, one that has failed comes back only when
    it has answered that, so that no client waits for it to find out; without it, after its rest.
    """

    def __init__(
        self,
        turns: Turns,
        emit: Emit,
        consulted: Callable[[], str],
        probe: Callable[[Upstream], Awaitable[None]] | None = None,
    ) -> None:
        self.turns = turns
        self._probe = probe
        self._probing: dict[Upstream, asyncio.Task[None]] = {}
        self._emit = emit
        self._consulted = consulted

    def failed(self, hop: Upstream, failure: HopFailed) -> None:
        # An upstream that a reload took away while it was being asked has no turn any more.
        rest_s = 0.0
        if hop in self.turns:
            rest_s = self.turns.failed(hop, failure.retry_after_s, limited=failure.limited)
        self._emit(UpstreamFailed(hop.url, str(failure), rest_s, self._consulted() if failure.tls else ""))

    def succeeded(self, hop: Upstream) -> None:
        if hop in self.turns and self.turns.succeeded(hop):
            self._emit(UpstreamRecovered(hop.url))

    def order(self, last: Collection[Upstream] = ()) -> list[Upstream]:
        """Whose turn it is, those of `last` after all others."""
        self._probe_due()
        return sorted(self.turns.order(proof=self._probe is not None), key=lambda hop: hop in last)

    def _probe_due(self) -> None:
        """Beside the pull that asks for the order: where nobody pulls, nobody has to be probed."""
        if self._probe is None or len(self.turns) < 2:
            return
        for hop in self.turns.due():
            if hop not in self._probing:
                self._probing[hop] = asyncio.get_running_loop().create_task(self._prove(self._probe, hop))

    async def _prove(self, probe: Callable[[Upstream], Awaitable[None]], hop: Upstream) -> None:
        try:
            await probe(hop)
            if hop in self.turns:
                self.turns.proved(hop)
        except HopFailed as failure:
            self.failed(hop, failure)
        finally:
            del self._probing[hop]

    async def until_answered(
        self,
        attempt: Callable[[Upstream], Awaitable[None]],
        gained: Callable[[], int] = lambda: 0,
        last: Collection[Upstream] = (),
        rounds: int = ROUNDS_LIMIT,
    ) -> None:
        """Return after an attempt that succeeded, or failed after `gained()` had grown: the caller looks what is left.

        Raise BlobUnknown, UpstreamDenied, CircleRefused or UpstreamUnavailable; whatever else `attempt` raises passes
        through. An upstream that is held is not asked: it has failed already, for everybody.
        """
        now_s = asyncio.get_running_loop().time
        began_s = now_s()
        held_until_s: dict[Upstream, float] = {}
        answers: Answers = {}
        for round_number in range(rounds):
            for hop in self.order(last):
                if held_s := self.turns.held_s(hop):
                    until_s = now_s() + held_s
                    held_until_s[hop] = max(until_s, held_until_s.get(hop, until_s))
                    answers.setdefault(hop, HopFailed("it asked to be left alone for a while", limited=True))
                if held_until_s.get(hop, -math.inf) > now_s():
                    continue  # it asked to be left alone; what it said still counts
                before = gained()
                answer = await self._ask(attempt, hop)
                if answer is None or gained() > before:
                    return
                answers[hop] = answer
                if isinstance(answer, HopLooped):
                    held_until_s[hop] = math.inf
                elif isinstance(answer, HopFailed) and answer.retry_after_s:
                    held_until_s[hop] = now_s() + answer.retry_after_s
            conclude(answers)
            await self._pause(round_number, answers, held_until_s, now_s() - began_s, rounds)

    async def _ask(
        self, attempt: Callable[[Upstream], Awaitable[None]], hop: Upstream
    ) -> HopUnknown | HopDenied | HopFailed | None:
        try:
            await attempt(hop)
        except HopFailed as failure:
            self.failed(hop, failure)
            return failure
        except (HopUnknown, HopDenied) as refusal:
            self.succeeded(hop)
            return refusal
        self.succeeded(hop)
        return None

    async def _pause(
        self, round_number: int, answers: Answers, held_until_s: dict[Upstream, float], spent_s: float, rounds: int
    ) -> None:
        now_s = asyncio.get_running_loop().time()
        failures = {hop: answer for hop, answer in answers.items() if isinstance(answer, HopFailed)}
        left_s = {hop: until_s - now_s for hop, until_s in held_until_s.items() if until_s > now_s}
        seconds = pause_s(round_number, [left_s.get(hop) for hop in failures], spent_s, rounds)
        if seconds is None:
            last = list(failures.values())[-1]
            asked = [seconds for seconds in left_s.values() if seconds < math.inf]
            asked_s = math.ceil(min(asked)) if asked else None
            limited = all(answer.limited for answer in failures.values())
            raise UpstreamUnavailable(f"no upstream delivers: {last}", asked_s, limited=limited) from None
        await asyncio.sleep(seconds)
