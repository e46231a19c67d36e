"""The counters, by the registry's names where it has one, so that its dashboards go on working, else `dtr_cache_…`.

Owns what each event counts. Rule for editors: a label's values are few and ours (a client can never make a new one),
and `hear` does nothing but count: children of labelled metrics are looked up once and kept. Event loop only.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ..values import events
from .daily import Served, served_so_far
from .live_gauges import LiveGauges, LiveState
from .request_metrics import RequestMetrics

CONTENT_TYPE = CONTENT_TYPE_LATEST
RELOADED = ("configuration", "authorities", "certificate")
TROUBLED = (
    "starting",
    "accepting a connection",
    "opening",
    "reading",
    "storing",
    "evicting",
    "sweeping",
    "scrubbing",
    "remembering",
)
_OUTCOMES = ("ok", "failed")
_FILL_OUTCOMES = ("stored", "not-stored", "failed", "wrong-bytes")
_EVICTION_REASONS = ("ttl", "maxsize", "minfree")
FILL_RATE_BUCKETS = tuple(32 * 1024 * 4**power for power in range(9))  # 32 KiB/s … 2 GiB/s


class Metrics:
    def __init__(self, version: str, live: LiveState | None = None) -> None:
        disable_created_metrics()  # a second series for each counter, which nobody asks for
        self.registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self.registry)
        self.registry.register(LiveGauges(live or LiveState()))
        build = Gauge("dtr_cache_build_info", "1, for its labels", ["version", "python"], registry=self.registry)
        build.labels(version, platform.python_version()).set(1)
        self._requests = RequestMetrics()
        self.registry.register(self._requests)
        self._make_counters()
        self._begin_at_zero()
        self._hearers: dict[type, Callable[[Any], None]] = {
            events.RequestServed: self._requests.served,
            events.AccessRefused: lambda event: self._refusals.labels(event.reason).inc(),
            events.TlsFailed: lambda event: self._tls_failures.inc(),
            events.FillStarted: self._fill_started,
            events.FillEnded: self._fill_ended,
            events.FillResumed: lambda event: self._resumes.inc(),
            events.UpstreamFailed: lambda event: self._upstream_failures.labels(event.hop).inc(),
            events.ServedOffline: lambda event: self._offline.inc(),
            events.BlobEvicted: self._evicted,
            events.BlobQuarantined: lambda event: self._quarantined.inc(),
            events.SweepDone: self._swept,
            events.StorageTrouble: lambda event: self._storage_troubles.labels(event.operation).inc(),
            events.DiscoveryRefreshed: self._discovery,
            events.Reloaded: lambda event: self._reloads.labels(event.what, _outcome(event.problem)).inc(),
            events.Fault: lambda event: self._faults.inc(),
        }

    def hear(self, event: events.Event) -> None:
        hearer = self._hearers.get(type(event))
        if hearer is not None:
            hearer(event)

    def render(self) -> bytes:
        """The exposition for a scrape; its type is CONTENT_TYPE."""
        return generate_latest(self.registry)

    def served(self) -> Served:
        """Blobs, since the start."""
        return served_so_far(self._requests.collect())

    def _make_counters(self) -> None:
        self._refusals = self._counter("refusals", "Requests refused by admission", "reason")
        self._tls_failures = self._counter("tls_failures", "Clients with whom TLS was not agreed on")
        self._fills = self._counter("fills", "Fills ended", "outcome")
        self._fills_in_progress = self._gauge("fills_in_progress", "Fills under way")
        # By digest: a fill may start over, and one that no upstream answers ends without having started.
        self._filling: set[str] = set()
        self._fill_rate = Histogram(
            "dtr_cache_fill_bytes_per_second",
            "How fast fills came from upstreams, bytes by the second",
            registry=self.registry,
            buckets=FILL_RATE_BUCKETS,
        )
        self._resumes = self._counter("fill_resumes", "Fills that went on with another upstream midway")
        self._pulled = Counter(
            "registry_proxy_pulled_bytes", "Bytes received from upstreams", ["type"], registry=self.registry
        ).labels("blob")
        self._upstream_failures = self._counter("upstream_failures", "Failed exchanges with an upstream", "upstream")
        text = "Answers by what an upstream last said, as none could be asked"
        self._offline = self._counter("offline_answers", text)
        self._evictions = self._counter("evictions", "Blobs evicted", "reason")
        self._evicted_bytes = self._counter("evicted_bytes", "Bytes freed by evictions", "reason")
        self._quarantined = self._counter("quarantined_blobs", "Blobs found damaged on disk and set aside")
        self._blobs = self._gauge("blobs", "Blobs on disk at the last sweep")
        self._bytes_used = self._gauge("bytes_used", "Bytes of blobs on disk at the last sweep")
        self._bytes_free = self._gauge("bytes_free", "Free bytes of the volume at the last sweep")
        self._oldest_idle = self._gauge("oldest_idle_seconds", "Since when the longest unpulled blob was not pulled")
        for gauge in (self._blobs, self._bytes_used, self._bytes_free, self._oldest_idle):
            gauge.set(float("nan"))  # not known before the first sweep: 0 bytes free would call somebody out of bed
        self._storage_troubles = self._counter("storage_troubles", "Failed operations on the volume", "operation")
        self._discoveries = self._counter("discovery_refreshes", "Discovery documents asked for", "outcome")
        self._reloads = self._counter("reloads", "Files read again while running", "what", "outcome")
        self._faults = self._counter("faults", "Faults of the program itself that were caught")

    def _begin_at_zero(self) -> None:
        """A counter that appears with its first 1 never grew, as far as Prometheus sees: no alert would tell of it."""
        for outcome in _OUTCOMES:
            self._discoveries.labels(outcome)
            for what in RELOADED:
                self._reloads.labels(what, outcome)
        for outcome in _FILL_OUTCOMES:
            self._fills.labels(outcome)
        for reason in _EVICTION_REASONS:
            self._evictions.labels(reason)
            self._evicted_bytes.labels(reason)
        for operation in TROUBLED:
            self._storage_troubles.labels(operation)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"dtr_cache_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"dtr_cache_{name}", text, registry=self.registry)

    def _fill_started(self, event: events.FillStarted) -> None:
        self._filling.add(event.digest)
        self._fills_in_progress.set(len(self._filling))

    def _fill_ended(self, event: events.FillEnded) -> None:
        self._filling.discard(event.digest)
        self._fills_in_progress.set(len(self._filling))
        self._fills.labels(event.outcome).inc()
        self._pulled.inc(event.upstream_bytes)
        if event.upstream_bytes and event.seconds > 0:
            self._fill_rate.observe(event.upstream_bytes / event.seconds)

    def _evicted(self, event: events.BlobEvicted) -> None:
        self._evictions.labels(event.reason).inc()
        self._evicted_bytes.labels(event.reason).inc(event.size_bytes)

    def _swept(self, event: events.SweepDone) -> None:
        self._blobs.set(event.blobs)
        self._bytes_used.set(event.bytes_used)
        self._bytes_free.set(event.free_bytes)
        self._oldest_idle.set(event.oldest_idle_s)

    def _discovery(self, event: events.DiscoveryRefreshed) -> None:
        if not event.recalled:
            # A changed origin is a problem for people, not a failed question.
            self._discoveries.labels("ok" if event.origin else "failed").inc()


def _outcome(problem: str) -> str:
    return "failed" if problem else "ok"
