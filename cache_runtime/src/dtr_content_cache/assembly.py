"""The only file that builds the parts and joins them. Their life (start, reload, drain) is `life.py`."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import __version__
from .admission import DOCUMENT_LIMIT_BYTES, Admission, Discovery
from .delivery.attempts import Attempts
from .delivery.deliveries import Deliveries
from .delivery.limits import Throttle
from .delivery.scrub import Scrubber
from .delivery.verification import Verdicts
from .observation.live_gauges import LiveState
from .observation.logs import Logs
from .observation.metrics import Metrics
from .observation.outlet import Outlet
from .observation.tracing import open_traces
from .retention.choice import Limits
from .retention.space import SpaceKeeper
from .retention.sweeper import Sweeper
from .settings.model import Downstream, Settings, Upstream
from .sides import Shared, Side
from .storage import Store
from .storage.main_memory import make_folder
from .telling import Telling
from .upstream.discovery import DiscoveryKeeper
from .upstream.exchange import Document, Exchanges
from .upstream.proxy import Proxies
from .upstream.via import new_name
from .values.clock import SystemClock
from .values.events import StorageTrouble
from .values.failures import NoSpace
from .web.doors import GrantDoor
from .web.health import Health
from .web.registries import OneRegistry, SeveralRegistries
from .web.site import CacheSite
from .web.small_blobs import SmallBlobs
from .web.tls import ServerCertificate

_THREADS_BESIDE_FILLS = 96  # pieces of relays, segments, discovery


class Parts:
    """Every part of one cache, joined. Raise ConfigurationRefused or StorageBroken where one cannot be built."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.outlets = Outlet(2), Outlet(1)
        self.logs = Logs(settings.log, self.clock, *self.outlets)
        self.metrics = Metrics(__version__, self._live_state())
        self.traces = open_traces(os.environ, __version__)
        heard_by = (self.logs.hear, self.metrics.hear)
        self.emit = Telling((*heard_by, self.traces.hear) if self.traces else heard_by)

    @property
    def _by_upstream(self) -> bool:
        """Mode `upstream`: there are no grants to verify, so nobody is asked for keys."""
        return self.settings.downstream.authorization == "upstream"

    def build(self) -> None:
        self._build_storage()
        self._build_upstream_sides()
        self._build_discovery()
        self._build_site()

    def _live_state(self) -> LiveState:
        return LiveState(
            requests_in_flight=lambda: self.site.in_flight,
            upstream_healthy=lambda: dict(one for side in self.sides for one in side.attempts.turns.healthy().items()),
            certificate_expires_s=lambda: self.certificate.expires_s if self.certificate else None,
            discovery_age_s=lambda: self.discovery.age_s,
            discovery_fresh=lambda: None if self._by_upstream else self.discovery.stale is None,
            log_lines_dropped=lambda: sum(outlet.dropped_total for outlet in self.outlets),
        )

    def _build_storage(self) -> None:
        storage = self.settings.storage
        self.memory_root = make_folder() if storage.in_memory else None
        self.store = Store(self.memory_root or str(storage.root), read_only=storage.read_only)
        if not storage.read_only:
            self._make_ready()
        self.disk_threads = ThreadPoolExecutor(8, "disk")
        self.sweep_threads = ThreadPoolExecutor(2, "sweep")
        self.space = SpaceKeeper(
            self.store,
            limits_of(self.settings.downstream),
            self.clock,
            self.emit,
            may_delete=storage.delete_enabled,
            may_write=not storage.read_only,
        )
        self.sweeper = Sweeper(
            self.store,
            self.space,
            self.clock,
            self.emit,
            leftover_age_s=storage.partial_age_s,
            executor=self.sweep_threads,
        )
        self.scrubber = Scrubber(self.store, self.sweep_threads, self.emit, self.space.note_lost)

    def _make_ready(self) -> None:
        """A full volume is no reason not to start: its blobs are served, the others streamed through."""
        try:
            self.store.prepare()
            self.store.probe()
        except NoSpace as full:
            self.emit(StorageTrouble("starting", str(full)))

    def _build_upstream_sides(self) -> None:
        downstream = self.settings.downstream
        self.fetch_threads = ThreadPoolExecutor(downstream.max_fills + _THREADS_BESIDE_FILLS, "fetch")
        self.note_threads = ThreadPoolExecutor(1, "notes")
        self.proxies = Proxies.of_environment(os.environ)
        self.throttle = Throttle(downstream.max_fill_bytes_per_s)
        self.verdicts = Verdicts(self.store, self.disk_threads, self.emit, self.space.note_lost)
        shared = Shared(
            self.store,
            self.space,
            self.verdicts,
            self.throttle,
            self.fetch_threads,
            self.note_threads,
            self.proxies,
            downstream.stall_timeout_s,
            asyncio.Semaphore(downstream.max_fills),
            self.clock,
            self.emit,
            new_name(),
        )
        self.sides = tuple(Side(registry, shared) for registry in downstream.every_registry)

    # Of the first registry, which is the only one in most configurations, and always where DTR's grants decide.

    @property
    def exchanges(self) -> Exchanges:
        return self.sides[0].exchanges

    @property
    def attempts(self) -> Attempts:
        return self.sides[0].attempts

    @property
    def deliveries(self) -> Deliveries:
        return self.sides[0].deliveries

    def _build_discovery(self) -> None:
        downstream = self.settings.downstream
        self.admission = Admission(self.clock, downstream.clock_skew_s)
        self.discovery = DiscoveryKeeper(
            lambda: self.settings.downstream.upstreams,
            *(self._fetch_discovery, self._recall_discovery, self._remember_discovery),
            self._adopt,
            self.clock,
            self.emit,
            clock_skew_s=downstream.clock_skew_s,
            consulted=lambda: self.sides[0].authorities.consulted,
        )

    def _fetch_discovery(self, upstream: Upstream, path: str) -> Awaitable[Document]:
        loop = asyncio.get_running_loop()
        fetch = self.exchanges.fetch_document
        return loop.run_in_executor(self.fetch_threads, fetch, upstream, path, DOCUMENT_LIMIT_BYTES)

    def _recall_discovery(self) -> bytes | None:
        """What these upstreams gave the last run. Another upstream's keys are not ours to start with."""
        try:
            kept = json.loads(self.store.recall() or b"{}")
            return str(kept["document"]).encode() if kept["upstreams"] == self._upstream_urls() else None
        except (ValueError, KeyError, TypeError):
            return None

    def _upstream_urls(self) -> list[str]:
        return sorted(upstream.url for upstream in self.settings.downstream.upstreams)

    def _remember_discovery(self, document: bytes) -> None:
        if not self.settings.storage.read_only:
            kept = {"upstreams": self._upstream_urls(), "document": document.decode()}
            self.store.remember(json.dumps(kept).encode())

    def _adopt(self, discovery: Discovery | None) -> None:
        self.admission.use(discovery.keys if discovery else None)

    def _build_site(self) -> None:
        http = self.settings.http
        self.certificate = ServerCertificate(http.tls) if http.tls else None
        by_upstream = self._by_upstream
        self.health = Health(
            self.settings.health,
            self._probe_storage,
            {
                "draining": lambda: "the cache is stopping" if self.site.draining else None,
                "discovery": lambda: (
                    None if by_upstream or self.admission.keys else "no discovery document from upstream yet"
                ),
            },
            freshness={"discovery": lambda: None if by_upstream else self.discovery.stale},
        )
        door = None
        if not by_upstream:
            door = GrantDoor(self.admission, self.discovery.refresh_for_unknown_key, self.sides[0].means.name)
        small = SmallBlobs(self.store, http.headers)
        counters = [(side.registry, side.counter(door, small, http.headers)) for side in self.sides]
        several = bool(self.settings.downstream.registries)
        self.site = self._site_of(
            SeveralRegistries(counters) if several else OneRegistry(counters[0][1]),
            lambda: self.discovery.document,
            self.health.out_of_service,
            http.prefix,
            http.headers,
            self.emit,
        )

    def _site_of(self, *parts: Any) -> CacheSite:
        if self.traces is None:
            return CacheSite(*parts)
        from .web.traced_site import TracedSite

        return TracedSite(self.traces, *parts)

    def _probe_storage(self) -> None:
        if self.settings.storage.read_only:
            self.store.space()
            return
        try:
            self.store.probe()
        except NoSpace:
            pass  # full is not ill: blobs are still served, and streamed through

    def server_context(self) -> ssl.SSLContext | None:
        """The TLS context for the next client, None for plain HTTP."""
        return self.certificate.context if self.certificate else None


def limits_of(downstream: Downstream) -> Limits:
    return Limits(
        downstream.blob_ttl_s,
        downstream.max_size_bytes,
        downstream.min_free_fraction,
        downstream.min_free_bytes,
    )
