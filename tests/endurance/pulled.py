"""When clients pulled each blob, over all lives of a cache, and what the times on the volume must be because of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .traffic import Seen

LAST_PULL_LOST_S = 1.0  # the stated window: a pull is noted at most once a second
_SLACK_S = 0.1  # between the clocks of two processes


class Pulled:
    """Times are seconds since the epoch. `asked_s`: when each blob's last complete pull was asked for."""

    def __init__(self) -> None:
        self.asked_s: dict[str, float] = {}
        self._ended_s: dict[str, float] = {}  # when the last attempt was over, complete or not

    def add(self, seen: Seen, fetched: Collection[str], ended_s: float) -> None:
        """What a life saw that was over at `ended_s`. `fetched` came from the upstream: stored it is when the volume is
        done, which may be after its answer."""
        self.asked_s |= seen.pulled
        self._ended_s |= seen.ended
        self._ended_s |= dict.fromkeys(fetched, ended_s)

    def forget(self, digest: str) -> None:
        """The blob is gone, and its time with it."""
        self.asked_s.pop(digest, None)

    def lost(self, noted_s: Mapping[str, float]) -> list[str]:
        """A sentence for each blob whose last pull was longer before than the volume says it may be."""
        late_s = {digest: self.asked_s[digest] - noted_s[digest] for digest in noted_s if digest in self.asked_s}
        too_late = {digest: late for digest, late in late_s.items() if late > LAST_PULL_LOST_S + _SLACK_S}
        return [f"{digest}: last pull lost by {late:.2f}s" for digest, late in too_late.items()]

    def invented(self, noted_s: Mapping[str, float]) -> list[str]:
        """A sentence for each blob that counts as pulled when nobody pulled it."""
        early_s = {digest: noted_s[digest] - self._ended_s[digest] for digest in noted_s if digest in self._ended_s}
        too_early = {digest: early for digest, early in early_s.items() if early > _SLACK_S}
        return [f"{digest}: noted {early:.2f}s after its last pull was over" for digest, early in too_early.items()]
