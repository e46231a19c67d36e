"""What every flight and relay works with, and what a reader brings along."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

from ..retention.space import SpaceKeeper
from ..storage import Store
from ..upstream.exchange import Exchanges
from ..values.clock import Clock
from ..values.events import Emit
from .attempts import Attempts
from .limits import Throttle


@dataclass(frozen=True, slots=True)
class Passage:
    """What a reader may ask the upstreams with: path and query, and its own credentials; good until `expires_s`."""

    target: str
    expires_s: float
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Means:
    store: Store
    space: SpaceKeeper
    exchanges: Exchanges
    attempts: Attempts
    throttle: Throttle
    threads: Executor
    clock: Clock
    emit: Emit
