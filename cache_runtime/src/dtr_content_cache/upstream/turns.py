"""Whose turn it is: round-robin over the upstreams, the failing ones resting.

Pure bookkeeping; it opens nothing and reads the time from the clock it was given. Rule for editors: an upstream that
rests is asked last, never not at all, because a cache whose every upstream rests must still try; only one that asked
for fewer questions is held, and for five minutes at most. Event loop only.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..settings.model import Upstream
from ..values.clock import Clock

FIRST_REST_S = 1.0
REST_LIMIT_S = 60.0
ASKED_REST_LIMIT_S = 300.0  # the most that an upstream's Retry-After can ask for


@dataclass(slots=True)
class _Standing:
    failures: int = 0  # since its last success; those of transfers that failed together count once
    rests_until_s: float = 0.0
    proved: bool = False  # since its last failure somebody asked it and got an answer, if not yet a blob
    held_until_s: float = 0.0  # it wants no question before (429, Retry-After)


class Turns:
    """`jitter` gives numbers in [0, 1): rests are spread over 75 % … 100 % of their length, so that caches which lost
    the same upstream at the same moment do not come back to it at the same moment."""

    def __init__(
        self, upstreams: Iterable[Upstream], clock: Clock, jitter: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._standings = {upstream: _Standing() for upstream in upstreams}
        self._turn = 0

    def __len__(self) -> int:
        return len(self._standings)

    def __contains__(self, upstream: Upstream) -> bool:
        return upstream in self._standings

    def all(self) -> tuple[Upstream, ...]:
        return tuple(self._standings)

    def order(self, *, proof: bool = False) -> list[Upstream]:
        """Every upstream, in the order in which one transfer tries them.

        The rested come first: caches of the 2.2 form before their origin, each group rotated by one at each call. Then
        those that rest, the one that has rested longest of its rest first. `proof`: who has failed counts as rested
        only when it was `proved`.
        """
        turn, self._turn = self._turn, self._turn + 1
        out = set(self._resting()) | (set(self.due()) if proof else set())
        rested = [upstream for upstream in self._standings if upstream not in out]
        resting = [upstream for upstream in self._standings if upstream in out]
        resting.sort(key=lambda upstream: self._standings[upstream].rests_until_s)
        caches = _rotated([upstream for upstream in rested if not upstream.authoritative], turn)
        origins = _rotated([upstream for upstream in rested if upstream.authoritative], turn)
        return caches + origins + resting

    def _resting(self) -> list[Upstream]:
        now_s = self._clock.steady()
        return [upstream for upstream, standing in self._standings.items() if standing.rests_until_s > now_s]

    def held_s(self, upstream: Upstream) -> float:
        """For how much longer nobody asks it, because it said so; 0 where anybody may."""
        standing = self._standings.get(upstream)
        return max(0.0, standing.held_until_s - self._clock.steady()) if standing else 0.0

    def all_down(self) -> bool:
        """Every one of them rests and has failed more than once since its last success: it is no hiccup."""
        resting = self._resting()
        return len(resting) == len(self) and all(self._standings[upstream].failures > 1 for upstream in resting)

    def due(self) -> list[Upstream]:
        """Those that have failed and rested, and of which nobody knows whether they are well again."""
        now_s = self._clock.steady()
        return [
            upstream
            for upstream, standing in self._standings.items()
            if standing.failures and not standing.proved and standing.rests_until_s <= now_s
        ]

    def proved(self, upstream: Upstream) -> None:
        """It answers again; whether it delivers, too, its next transfer will show."""
        self._standings[upstream].proved = True

    def failed(self, upstream: Upstream, retry_after_s: float | None = None, *, limited: bool = False) -> float:
        """Let `upstream` rest: 1 s after the first failure, twice as long after each further one, 60 s at most, or as
        long as it asked for, 5 min at most. The seconds it now rests. `limited`: hold it for as long as it asked."""
        standing, now_s = self._standings[upstream], self._clock.steady()
        until_s = standing.rests_until_s
        if until_s <= now_s:
            standing.failures += 1
            rest_s = min(FIRST_REST_S * 2 ** min(standing.failures - 1, 10), REST_LIMIT_S)
            until_s = now_s + rest_s * (0.75 + 0.25 * self._jitter())
        if retry_after_s is not None:
            asked_until_s = now_s + min(retry_after_s, ASKED_REST_LIMIT_S)
            until_s = max(until_s, asked_until_s)
            if limited:
                standing.held_until_s = max(standing.held_until_s, asked_until_s)
        standing.failures, standing.proved = max(standing.failures, 1), False
        standing.rests_until_s = until_s
        return until_s - now_s

    def succeeded(self, upstream: Upstream) -> bool:
        """End its rest. True where it had failed before: it has recovered."""
        standing = self._standings[upstream]
        recovered = standing.failures > 0
        standing.failures, standing.rests_until_s, standing.proved = 0, 0.0, False
        return recovered  # what it asked for still holds: another question was under way when it did

    def healthy(self) -> dict[str, bool]:
        """By URL: False from a failure until the next success."""
        return {upstream.url: standing.failures == 0 for upstream, standing in self._standings.items()}

    def resting_s(self) -> dict[str, float]:
        """By URL: the seconds for which it is asked last, 0 where it is not."""
        now_s = self._clock.steady()
        return {
            upstream.url: max(0.0, standing.rests_until_s - now_s) for upstream, standing in self._standings.items()
        }


def _rotated(upstreams: list[Upstream], turn: int) -> list[Upstream]:
    if not upstreams:
        return []
    first = turn % len(upstreams)
    return upstreams[first:] + upstreams[:first]
