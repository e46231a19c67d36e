"""What one answered request counts. The hottest listener of the program.

Rule for editors: everything that a request touches is in one `_Series`, found by one dictionary look-up; the number of
them is bounded, because handlers and statuses are ours and unknown methods share one name.
"""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ..values.events import RequestServed, RequestStarted

DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60)
SIZE_BUCKETS_BYTES = tuple(1024 * 2**power for power in range(22))  # 1 KiB … 2 GiB
_METHODS = frozenset(("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"))


class RequestMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["handler", "method", "code"]
        self._total = Counter("registry_http_requests", "Answers", labels, registry=registry)
        self._duration = Histogram(
            "registry_http_request_duration_seconds", "Until the last byte", labels, registry=registry,
            buckets=DURATION_BUCKETS_S,
        )  # fmt: skip
        self._size = Histogram(
            "registry_http_response_size_bytes", "Bytes of the body", labels, registry=registry,
            buckets=SIZE_BUCKETS_BYTES,
        )  # fmt: skip
        self._in_flight = Gauge("registry_http_in_flight_requests", "Being answered", ["handler"], registry=registry)
        self._broken_off = Counter("dtr_cache_broken_off_responses", "Answers that did not end", registry=registry)
        self._blobs = _BlobCounters(registry)
        self._series: dict[tuple[str, str, int], _Series] = {}
        self._flying: dict[str, Any] = {}

    def started(self, event: RequestStarted) -> None:
        self._flying_of(event.handler).inc()

    def served(self, event: RequestServed) -> None:
        key = (event.handler, event.method, event.status)
        series = self._series.get(key)
        if series is None:
            series = self._series_of(*key)
        series.total.inc()
        series.duration.observe(event.seconds)
        series.size.observe(event.body_bytes)
        series.in_flight.dec()
        if not event.complete:
            self._broken_off.inc()
        if event.cache:
            self._blobs.count(event)

    def _series_of(self, handler: str, method: str, status: int) -> _Series:
        known = method in _METHODS
        labels = (handler, method.lower() if known else "unknown", str(status))
        series = _Series(
            self._total.labels(*labels),
            self._duration.labels(*labels),
            self._size.labels(*labels),
            self._flying_of(handler),
        )
        if known:
            # A client that invents methods must not fill the memory with them.
            self._series[(handler, method, status)] = series
        return series

    def _flying_of(self, handler: str) -> Any:
        gauge = self._flying.get(handler)
        if gauge is None:
            gauge = self._flying[handler] = self._in_flight.labels(handler)
        return gauge


class _Series:
    __slots__ = ("duration", "in_flight", "size", "total")

    def __init__(self, total: Any, duration: Any, size: Any, in_flight: Any) -> None:
        self.total, self.duration, self.size, self.in_flight = total, duration, size, in_flight


class _BlobCounters:
    """The registry's proxy counters and ours: what came from disk, what did not. `pushed` is what went to clients."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def proxy(name: str, text: str) -> Any:
            return Counter(f"registry_proxy_{name}", text, ["type"], registry=registry).labels("blob")

        self._requests = proxy("requests", "Requests for blobs")
        self._hits = proxy("hits", "Requests for blobs that were on disk")
        self._misses = proxy("misses", "Requests for blobs that were not on disk")
        self._pushed = proxy("pushed_bytes", "Bytes of blobs sent to clients")
        self._hit_bytes = Counter("dtr_cache_hit_bytes", "Bytes sent to clients from disk", registry=registry)
        self._miss_bytes = Counter("dtr_cache_miss_bytes", "Bytes sent to clients while fetching", registry=registry)
        self._collapsed = Counter(
            "dtr_cache_collapsed_requests", "Requests that joined a fill under way", registry=registry
        )
        self._bypassed = Counter("dtr_cache_bypassed_requests", "Requests answered without storing", registry=registry)

    def count(self, event: RequestServed) -> None:
        self._requests.inc()
        self._pushed.inc(event.body_bytes)
        if event.cache == "hit":
            self._hits.inc()
            self._hit_bytes.inc(event.body_bytes)
            return
        self._misses.inc()
        self._miss_bytes.inc(event.body_bytes)
        if event.cache == "collapsed":
            self._collapsed.inc()
        elif event.cache == "bypass":
            self._bypassed.inc()
