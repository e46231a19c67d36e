"""One registry's own parts: whom it asks and trusts, its flights, its door. What registries share comes from outside.

Rule for editors: nothing that a client brings along (credentials, queries) may get from one side to another, so each
has its connections, its turns, its questions, its flights and its remembered answers for itself. Only verified bytes
are common.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from .admission.last_answers import LastAnswers
from .admission.verdicts import RememberedVerdicts
from .delivery.attempts import Attempts
from .delivery.deliveries import Deliveries
from .delivery.limits import Throttle
from .delivery.means import Means
from .delivery.verification import Verdicts
from .retention.space import SpaceKeeper
from .settings.model import Registry, Upstream
from .storage import Notes, Store
from .upstream.exchange import Exchanges
from .upstream.proxy import Proxies
from .upstream.trust import Authorities
from .upstream.turns import Turns
from .values.clock import Clock
from .values.events import Emit, Reloaded
from .web.answers import Headers
from .web.blob import BlobHandler
from .web.doors import Door
from .web.manifest import ManifestHandler
from .web.offline import Offline
from .web.passthrough import Passthrough
from .web.quick_hit import QuickHits
from .web.registries import Counter
from .web.small_blobs import SmallBlobs
from .web.upstream_answers import UpstreamAnswers
from .web.upstream_door import UpstreamDoor

_QUESTIONS_AT_ONCE = 64  # each a thread, made when it is needed


@dataclass(frozen=True, slots=True)
class Shared:
    """What there is once for all registries. `name`: as Means has it; `max_fills` are those of all together."""

    store: Store
    space: SpaceKeeper
    verdicts: Verdicts
    throttle: Throttle
    threads: Executor
    note_threads: Executor
    proxies: Proxies
    stall_timeout_s: float
    max_fills: asyncio.Semaphore
    clock: Clock
    emit: Emit
    name: str


class Side:
    """Raise ConfigurationRefused where its authorities cannot be read."""

    def __init__(self, registry: Registry, shared: Shared) -> None:
        self.registry = registry
        self._name = _named_with_upstreams(registry)
        self._shared = shared
        self.questions = ThreadPoolExecutor(_QUESTIONS_AT_ONCE, "question")
        self.authorities = Authorities(registry.cas)
        self.exchanges = Exchanges(
            lambda: self.authorities.context, shared.stall_timeout_s, registry.redirect_hosts, shared.proxies
        )
        turns = Turns(registry.upstreams, shared.clock)
        self.attempts = Attempts(turns, shared.emit, lambda: self.authorities.consulted, self._probe)
        self.means = Means(
            shared.store,
            shared.space,
            self.exchanges,
            self.attempts,
            shared.throttle,
            shared.threads,
            self.questions,
            shared.clock,
            shared.emit,
            shared.name,
        )
        self.deliveries = Deliveries(self.means, shared.verdicts, shared.max_fills)

    async def _probe(self, upstream: Upstream) -> None:
        await asyncio.get_running_loop().run_in_executor(self.questions, self.exchanges.probe, upstream)

    def reload_authorities(self) -> Reloaded | None:
        """As Authorities has it; connections by the old ones are not used again."""
        reloaded = self.authorities.reload_if_changed()
        if reloaded is not None:
            self.exchanges.forget_idle()
        return reloaded

    def take_up(self, registry: Registry, authorities: Authorities) -> None:
        """Other upstreams and authorities, from the next question on. What the old upstreams allowed ends with them."""
        if registry.upstreams != self.registry.upstreams:
            self.attempts.turns = Turns(registry.upstreams, self._shared.clock)
            self.exchanges.forget_idle()
        if registry.cas != self.registry.cas:
            self.authorities = authorities
            self.exchanges.forget_idle()
        self.registry = registry
        self._name = _named_with_upstreams(registry)

    def counter(self, door: Door | None, small: SmallBlobs, headers: Headers) -> Counter:
        """Who answers for this registry. `door` None: its upstream decides."""
        clock, passthrough = self._shared.clock, None
        if door is None:
            door = upstream_door = self._upstream_door()
            answers = UpstreamAnswers(upstream_door, self.means)
            passthrough = Passthrough(
                upstream_door, answers, ManifestHandler(upstream_door, answers, self.deliveries, clock)
            )
        blobs = BlobHandler(door, self.deliveries, clock, headers)
        return Counter(blobs, QuickHits(door, self.deliveries, small, clock, headers), passthrough)

    def _upstream_door(self) -> UpstreamDoor:
        verdicts = RememberedVerdicts(self._shared.clock, self.registry.verdict_ttl_s)
        realm_hosts, clock = self.registry.realm_hosts, self._shared.clock
        return UpstreamDoor(self.means, lambda: self._name, verdicts, realm_hosts, clock, self._offline())

    def _offline(self) -> Offline | None:
        registry, shared = self.registry, self._shared
        if registry.offline_limit_s is None or not shared.space.may_write:
            return None
        notes = Notes(shared.store.files, shared.store.layout)
        answers = LastAnswers(notes, shared.clock, registry.offline_limit_s)
        return Offline(answers, shared.note_threads, shared.threads, shared.clock, shared.emit)


def _named_with_upstreams(registry: Registry) -> str:
    """Whose answers are remembered: those of this registry as long as it is asked there."""
    return " ".join((registry.name, *sorted(hop.url for hop in registry.upstreams)))
