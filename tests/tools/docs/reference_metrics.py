"""The page of metrics: what a scrape of this version has, and which alert watches each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from dtr_content_cache.observation.live_gauges import LiveState
from dtr_content_cache.observation.metrics import Metrics
from prometheus_client import Metric
from tables import code, table

ALERTS = Path(__file__).resolve().parents[3] / "cache_runtime/monitoring/alerts.yml"
_LIVE = LiveState(
    requests_in_flight=lambda: {"blob": 0},
    upstream_healthy=lambda: {"https://dtr.example.com": True},
    certificate_expires_s=lambda: 0.0,
    discovery_age_s=lambda: 0.0,
    discovery_fresh=lambda: True,
    log_lines_dropped=lambda: 0,
)


def _families() -> list[tuple[Metric, tuple[str, ...]]]:
    registry = Metrics("", _LIVE).registry
    found = []
    for collector in list(registry._collector_to_names):
        names = tuple(getattr(collector, "_labelnames", ()))
        found += [(family, names or tuple(getattr(family, "_labelnames", ()))) for family in collector.collect()]
    return sorted(found, key=lambda one: one[0].name)


def _exposed(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _alerts(name: str, rules: list[dict]) -> Iterator[str]:
    for rule in rules:
        if name in str(rule["expr"]):
            yield f"{code(rule['alert'])}: {rule['annotations']['summary']}"


def page() -> str:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    rows = [
        (code(_exposed(family)), family.type, ", ".join(map(code, labels)), family.documentation,
         "; ".join(_alerts(family.name, rules)))
        for family, labels in _families()
    ]
    return f"""# Metrics

What `/metrics` of the debug listener has (`http.debug.addr`, `http.debug.prometheus.enabled`; in the inventory
`cache_host_debug_port` and `cache_host_metrics`). Names that begin with `registry_` are the Docker Registry's, so
its dashboards go on working. The alerts, tested, and a dashboard are in
[cache_runtime/monitoring](../../cache_runtime/monitoring/README.md).

{table(("metric", "type", "labels", "meaning", "alert"), rows)}"""
