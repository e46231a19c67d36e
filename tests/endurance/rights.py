"""A registry that decides by account, and what a cache before it may therefore open.

Owns who may read what, and what the cache has heard of that. Rule for editors: what a cache may do follows from what
it was told and from the documented windows, never from what it did.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from doubles.registry import Asked, Registry

_LEFT_ALONE_S = 60  # longer than a cache waits for: a question to a registry that is away costs no pause


def password(user: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:of-{user}".encode()).decode()


def token(user: str, ends_s: int) -> str:
    """A bearer's that says when it ends, in seconds since the epoch."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": user, "exp": ends_s}).encode()).rstrip(b"=").decode()
    return f"Bearer e30.{claims}.of-{user}"


@dataclass(frozen=True, slots=True)
class Account:
    """`authorization` as it is sent, "" for nobody's. `outlives`: does a yes count while the registry is away?"""

    authorization: str
    outlives: bool = True


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a registry, and by whom: an Authorization value."""

    who: str
    repository: str
    digest: str


@dataclass
class Side:
    """`readers` by repository are who may read it, `holds` by repository the digests in it; `window_s` is how long a
    cache remembers a yes. `asked` is what the cache has asked since it was last looked at, with the answers."""

    name: str
    registry: Registry
    blobs: dict[str, bytes]
    window_s: float
    readers: dict[str, set[str]] = field(default_factory=dict)
    holds: dict[str, set[str]] = field(default_factory=dict)
    away: bool = False
    asked: dict[Wish, int] = field(default_factory=dict)
    yes_s: dict[Wish, float] = field(default_factory=dict)  # until when, on the steady clock, the last one was heard
    last_words: set[Wish] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.registry.before = self._answer
        self.registry.asked.clear()

    def deal(self, accounts: Sequence[Account], repositories: Sequence[str], chance: random.Random) -> None:
        """Rights and contents anew."""
        everybody = [account.authorization for account in accounts]
        self.readers = {name: {who for who in everybody if chance.random() < 0.5} for name in repositories}
        self.holds = {name: {digest for digest in self.blobs if chance.random() < 0.6} for name in repositories}

    def decides(self, wish: Wish) -> int:
        """The status that the registry has for it."""
        if wish.who not in self.readers.get(wish.repository, ()):
            return 403 if wish.who.startswith("Basic") else 401
        return 200 if wish.digest in self.holds[wish.repository] else 404

    def _answer(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        if self.away:
            return 503, {"Retry-After": str(_LEFT_ALONE_S)}, b""
        repository, _, digest = asked.target.removeprefix("/v2/").partition("/blobs/")
        wish = Wish(asked.authorization, repository, digest)
        status = self.asked[wish] = self.decides(wish)
        challenge = {"WWW-Authenticate": self.registry.challenge} if status == 401 else {}
        return status, challenge, self.blobs[digest] if status == 200 else b""

    def may_be(self, wish: Wish, asked_s: float) -> tuple[int, ...]:
        """The statuses that an answer may have: the registry's decision, or its last word while it is away; and a yes
        that is remembered still."""
        if not self.away:
            right: tuple[int, ...] = (self.decides(wish),)
        elif wish in self.last_words:
            right = (200,)
        else:
            right = (503,) if wish.who else (401, 503)  # its last challenge counts, too
        return (*right, 200) if self._is_remembered(wish, asked_s) else right

    def _is_remembered(self, wish: Wish, at_s: float) -> bool:
        return wish in self.yes_s and at_s <= self.yes_s[wish] + self.window_s

    def heard(self, accounts: Sequence[Account]) -> list[Wish]:
        """Take in what the cache was told, now that its answer is there; what it asked."""
        outlives = {account.authorization: account.outlives for account in accounts}
        asked, self.asked = self.asked, {}
        for wish, status in asked.items():
            if status == 200:
                self.yes_s[wish] = time.monotonic()
                self.last_words |= {wish} if outlives.get(wish.who) else set()
            elif status == 404:
                self.last_words.discard(wish)
            else:
                whose = (wish.who, wish.repository)
                self.last_words = {one for one in self.last_words if (one.who, one.repository) != whose}
        return list(asked)

    def remembers_for_s(self) -> float:
        """How long until no yes is remembered any more."""
        return max((yes_s + self.window_s - time.monotonic() for yes_s in self.yes_s.values()), default=0.0)
