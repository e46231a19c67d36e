"""What happened lately, for the status page: refusals by reason, the last word of each upstream, the latest troubles.

Owns what is kept of an event and how much. Rule for editors: it is told nothing about requests that were answered,
which come by the thousand; everything in here is bounded, and was made `discreet` on its way in. Event loop only.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ..values.clock import Clock
from ..values.events import AccessRefused, Event, SweepDone, UpstreamFailed
from .discretion import discreet, network_of
from .sentences import Sentence

TROUBLES_LIMIT = 20
_UPSTREAMS_LIMIT = 64
_REASONS_LIMIT = 64
_WORDS_LIMIT = 400
_TOLD_APART = (AccessRefused, SweepDone)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Of one reason since the start: how many, when the last one came (seconds since the epoch), from which network."""

    count: int
    last_s: float
    network: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A line of the log that somebody should see; `level` is "warn" or "error"."""

    at_s: float
    level: str
    words: str


class Lately:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.refusals: dict[str, Refusals] = {}
        self.upstream_failures: dict[str, Trouble] = {}  # the last one of each, by URL
        self.troubles: deque[Trouble] = deque(maxlen=TROUBLES_LIMIT)
        self.sweep: SweepDone | None = None
        self.swept_s = 0.0

    def hear(self, event: Event, said: Sentence | None) -> None:
        """`said` is what the log says about it."""
        now_s = self._clock.wall()
        if isinstance(event, AccessRefused):
            self._refused(event, now_s)
        elif isinstance(event, SweepDone):
            self.sweep, self.swept_s = event, now_s
        elif isinstance(event, UpstreamFailed) and _has_room(self.upstream_failures, event.hop, _UPSTREAMS_LIMIT):
            self.upstream_failures[event.hop] = Trouble(now_s, "warn", _shown(event.reason))
        if said is not None and said.level in ("warn", "error") and not isinstance(event, _TOLD_APART):
            self.troubles.append(Trouble(now_s, said.level, _shown(_in_words(said))))

    def _refused(self, event: AccessRefused, now_s: float) -> None:
        if _has_room(self.refusals, event.reason, _REASONS_LIMIT):
            before = self.refusals.get(event.reason)
            count = before.count + 1 if before else 1
            self.refusals[event.reason] = Refusals(count, now_s, network_of(event.client))


def _in_words(said: Sentence) -> str:
    """A traceback is for the log only."""
    what = [f"{said.fields[name]}" for name in ("upstream", "operation", "digest", "reason") if name in said.fields]
    return ": ".join((said.message, *what))


def _shown(words: str) -> str:
    return discreet(words)[:_WORDS_LIMIT]


def _has_room(kept: dict[str, Refusals] | dict[str, Trouble], key: str, limit: int) -> bool:
    return key in kept or len(kept) < limit
