"""Gauges that ask the running program at the moment of the scrape.

Owns the questions, not the answers: each is a function given by assembly. Rule for editors: a question must be cheap
(no file or network access), and one that fails leaves out its own metric only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class LiveState:
    """What to ask; None for what there is not. None as an answer leaves the sample out."""

    requests_in_flight: Callable[[], Mapping[str, int]] | None = None  # by handler
    upstream_healthy: Callable[[], Mapping[str, bool]] | None = None  # by URL
    certificate_expires_s: Callable[[], float | None] | None = None  # seconds since the epoch
    discovery_age_s: Callable[[], float | None] | None = None
    discovery_fresh: Callable[[], bool | None] | None = None
    log_lines_dropped: Callable[[], int] | None = None


class LiveGauges(Collector):
    def __init__(self, state: LiveState) -> None:
        self._state = state

    def collect(self) -> Iterator[GaugeMetricFamily]:
        of_upstreams = (self._upstreams, self._discovery, self._fresh)
        for family in (self._in_flight, *of_upstreams, self._certificate, self._log_lines):
            try:
                found = family()
            except Exception:  # noqa: S112 - a scrape must not fail as a whole because one answer does
                continue
            if found is not None:
                yield found

    def _in_flight(self) -> GaugeMetricFamily | None:
        if self._state.requests_in_flight is None:
            return None
        family = GaugeMetricFamily("registry_http_in_flight_requests", "Being answered", labels=["handler"])
        for handler, count in self._state.requests_in_flight().items():
            family.add_metric([handler], count)
        return family

    def _upstreams(self) -> GaugeMetricFamily | None:
        if self._state.upstream_healthy is None:
            return None
        text = "1 while the upstream's last exchange went well, 0 from a failure on"
        family = GaugeMetricFamily("dtr_cache_upstream_healthy", text, labels=["upstream"])
        for url, healthy in self._state.upstream_healthy().items():
            family.add_metric([url], 1.0 if healthy else 0.0)
        return family

    def _certificate(self) -> GaugeMetricFamily | None:
        text = "When the served certificate expires, seconds since the epoch"
        return _single("dtr_cache_certificate_expiry_timestamp_seconds", text, self._state.certificate_expires_s)

    def _discovery(self) -> GaugeMetricFamily | None:
        text = "Time since an upstream last gave the discovery document"
        return _single("dtr_cache_discovery_age_seconds", text, self._state.discovery_age_s)

    def _fresh(self) -> GaugeMetricFamily | None:
        text = "1 while the last question for the discovery document was answered, 0 while a remembered one is in use"
        return _single("dtr_cache_discovery_fresh", text, self._state.discovery_fresh)

    def _log_lines(self) -> GaugeMetricFamily | None:
        text = "Log lines dropped because nobody read them, since the start"
        return _single("dtr_cache_log_lines_dropped", text, self._state.log_lines_dropped)


def _single(name: str, text: str, question: Callable[[], float | None] | None) -> GaugeMetricFamily | None:
    answer = question() if question is not None else None
    return None if answer is None else GaugeMetricFamily(name, text, value=answer)
