"""What one answered request counts. The hottest listener of the program: it adds plain numbers, and nothing else.

The scrape makes the library's families of them; that is rare. Rule for editors: everything that a request touches is
in one `_Series`, found by one dictionary look-up; the number of them is bounded, because handlers, statuses and cache
words are ours and unknown methods share one name. Event loop only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from ..values.events import RequestServed

DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60)
SIZE_BUCKETS_BYTES = tuple(1024 * 2**power for power in range(22))  # 1 KiB … 2 GiB
_METHODS = frozenset(("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"))
_LABELS = ("handler", "method", "code")


class RequestMetrics(Collector):
    def __init__(self) -> None:
        self._series: dict[tuple[str, str, int, str], _Series] = {}
        self._broken_off = 0

    def served(self, event: RequestServed) -> None:
        key = (event.handler, event.method, event.status, event.cache)
        series = self._series.get(key)
        if series is None:
            series = self._series_of(event)
        series.answers += 1
        series.seconds += event.seconds
        series.bytes += event.body_bytes
        series.by_duration[bisect_left(DURATION_BUCKETS_S, event.seconds)] += 1
        series.by_size[bisect_left(SIZE_BUCKETS_BYTES, event.body_bytes)] += 1
        if not event.complete:
            self._broken_off += 1

    def _series_of(self, event: RequestServed) -> _Series:
        # A client that invents methods must not fill the memory with them.
        method = event.method if event.method in _METHODS else "unknown"
        return self._series.setdefault((event.handler, method, event.status, event.cache), _Series())

    def collect(self) -> Iterator[Metric]:
        yield from self._by_label()
        yield from self._by_cache()
        yield _counter("dtr_cache_broken_off_responses", "Answers that did not end", self._broken_off)

    def _by_label(self) -> Iterable[Metric]:
        total = CounterMetricFamily("registry_http_requests", "Answers", labels=_LABELS)
        duration = HistogramMetricFamily(
            "registry_http_request_duration_seconds", "Until the last byte", labels=_LABELS
        )
        size = HistogramMetricFamily("registry_http_response_size_bytes", "Bytes of the body", labels=_LABELS)
        for (handler, method, status), series in self._merged().items():
            labels = (handler, method.lower(), str(status))
            total.add_metric(labels, series.answers)
            duration.add_metric(labels, _cumulative(DURATION_BUCKETS_S, series.by_duration), series.seconds)
            size.add_metric(labels, _cumulative(SIZE_BUCKETS_BYTES, series.by_size), series.bytes)
        return total, duration, size

    def _merged(self) -> dict[tuple[str, str, int], _Series]:
        found: dict[tuple[str, str, int], _Series] = {}
        for (handler, method, status, _), series in self._series.items():
            found.setdefault((handler, method, status), _Series()).add(series)
        return found

    def _by_cache(self) -> Iterator[Metric]:
        """The registry's proxy counters and ours: what came from disk, what did not. `pushed` went to clients."""
        of = {cache: self._of_cache(cache) for cache in ("hit", "miss", "collapsed", "bypass")}
        misses = sum(series.answers for cache, series in of.items() if cache != "hit")
        miss_bytes = sum(series.bytes for cache, series in of.items() if cache != "hit")
        hits, hit_bytes = of["hit"].answers, of["hit"].bytes
        yield _proxy("requests", "Requests for blobs", hits + misses)
        yield _proxy("hits", "Requests for blobs that were on disk", hits)
        yield _proxy("misses", "Requests for blobs that were not on disk", misses)
        yield _proxy("pushed_bytes", "Bytes of blobs sent to clients", hit_bytes + miss_bytes)
        yield _counter("dtr_cache_hit_bytes", "Bytes sent to clients from disk", hit_bytes)
        yield _counter("dtr_cache_miss_bytes", "Bytes sent to clients while fetching", miss_bytes)
        joined, unstored = of["collapsed"].answers, of["bypass"].answers
        yield _counter("dtr_cache_collapsed_requests", "Requests that joined a fill under way", joined)
        yield _counter("dtr_cache_bypassed_requests", "Requests answered without storing", unstored)

    def _of_cache(self, wanted: str) -> _Series:
        found = _Series()
        for (_, _, _, cache), series in self._series.items():
            if cache == wanted:
                found.add(series)
        return found


class _Series:
    """`by_duration` and `by_size`: answers by bucket, the last for what is beyond all of them."""

    __slots__ = ("answers", "by_duration", "by_size", "bytes", "seconds")

    def __init__(self) -> None:
        self.answers, self.bytes, self.seconds = 0, 0, 0.0
        self.by_duration = [0] * (len(DURATION_BUCKETS_S) + 1)
        self.by_size = [0] * (len(SIZE_BUCKETS_BYTES) + 1)

    def add(self, other: _Series) -> None:
        self.answers += other.answers
        self.bytes += other.bytes
        self.seconds += other.seconds
        self.by_duration = [sum(pair) for pair in zip(self.by_duration, other.by_duration, strict=True)]
        self.by_size = [sum(pair) for pair in zip(self.by_size, other.by_size, strict=True)]


def _cumulative(bounds: tuple[float, ...], counts: list[int]) -> list[tuple[str, float]]:
    names = [*map(floatToGoString, bounds), "+Inf"]
    return list(zip(names, map(float, accumulate(counts)), strict=True))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _proxy(name: str, text: str, value: float) -> Metric:
    family = CounterMetricFamily(f"registry_proxy_{name}", text, labels=["type"])
    family.add_metric(["blob"], value)
    return family
