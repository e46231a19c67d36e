"""What every flight and relay works with, and what a reader brings along.

Owns the passage: what a reader's request lends to the questions that are asked upstream for its sake. Rule for editors:
a passage goes to configured upstreams only; whatever it holds never reaches another client.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field

from ..retention.space import SpaceKeeper
from ..storage import Store
from ..upstream.exchange import Exchanges
from ..upstream.via import Via, new_name
from ..values.clock import Clock
from ..values.events import CircleFound, Emit
from ..values.failures import CircleRefused
from .attempts import Attempts
from .limits import GOOD_FOR_ANOTHER_S, Throttle


@dataclass(frozen=True, slots=True)
class Passage:
    """What a reader may ask the upstreams with: path and query, and its own credentials; good until `expires_s`.

    `circle` names the caches where the request has come in a circle: it may read what is here, and ask nobody.
    """

    target: str
    expires_s: float
    headers: tuple[tuple[str, str], ...] = ()
    circle: str = ""

    @classmethod
    def along(
        cls, target: str, expires_s: float, via: str | None, name: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> Passage:
        """Of a request that came with the `Via` header `via` to the cache `name`."""
        way = Via.parse(via)
        return cls(target, expires_s, (*headers, ("Via", way.onward(name))), way.circle(name))


@dataclass(frozen=True, slots=True)
class Means:
    """`threads` bring bytes, for all registries; `questions` wait for an upstream's first word, for this one alone: a
    client that leaves does not end its question, and those to a registry that is silent must stop no other."""

    store: Store
    space: SpaceKeeper
    exchanges: Exchanges
    attempts: Attempts
    throttle: Throttle
    threads: Executor
    questions: Executor
    clock: Clock
    emit: Emit
    name: str = field(default_factory=new_name)  # how this cache names itself to those that it asks

    def may_ask(self, passage: Passage) -> bool:
        """Will an upstream let it through once more, when the transfer under way has been left? Otherwise that one is
        to go on: no transfer is cut because a grant expires."""
        return passage.expires_s - self.clock.wall() > GOOD_FOR_ANOTHER_S

    def refuse_circle(self, passage: Passage) -> None:
        """Raise CircleRefused, and tell it, where nothing more may be asked for this passage's sake."""
        if passage.circle:
            self.emit(CircleFound(passage.circle))
            raise CircleRefused(f"caches ask each other in a circle: {passage.circle}")
