"""What a scrape finds after each event."""

from __future__ import annotations

import math
import re
from pathlib import Path

import dtr_content_cache
import pytest
from doubles.sample_events import DIGEST, SAMPLES, UPSTREAM, served
from dtr_content_cache.observation.live_gauges import LiveState
from dtr_content_cache.observation.metrics import CONTENT_TYPE, RELOADED, TROUBLED, Metrics
from dtr_content_cache.values import events
from prometheus_client.parser import text_string_to_metric_families

BLOB = {"type": "blob"}
GET_200 = {"handler": "blob", "method": "get", "code": "200"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_every_event_can_be_heard_and_what_comes_out_is_the_text_format(metrics: Metrics) -> None:
    for sample in SAMPLES:
        metrics.hear(sample)
    families = {family.name for family in text_string_to_metric_families(metrics.render().decode())}
    assert {"registry_http_requests", "registry_proxy_hits", "dtr_cache_build_info"} <= families
    assert CONTENT_TYPE.startswith("text/plain")
    assert b"_created" not in metrics.render()


def test_requests_are_counted_by_the_registrys_names_and_labels(metrics: Metrics) -> None:
    metrics.hear(served(seconds=0.02, body_bytes=3000))
    assert value(metrics, "registry_http_requests_total", **GET_200) == 1
    assert value(metrics, "registry_http_request_duration_seconds_sum", **GET_200) == 0.02
    assert value(metrics, "registry_http_request_duration_seconds_bucket", le="0.025", **GET_200) == 1
    assert value(metrics, "registry_http_request_duration_seconds_bucket", le="0.01", **GET_200) == 0
    assert value(metrics, "registry_http_response_size_bytes_bucket", le="4096.0", **GET_200) == 1
    assert value(metrics, "registry_http_response_size_bytes_bucket", le="2048.0", **GET_200) == 0


@pytest.mark.parametrize(
    ("cache", "hits", "misses", "collapsed", "bypassed"),
    [("hit", 1, 0, 0, 0), ("miss", 0, 1, 0, 0), ("collapsed", 0, 1, 1, 0), ("bypass", 0, 1, 0, 1), ("", 0, 0, 0, 0)],
)
def test_a_blob_counts_as_hit_or_miss_and_its_bytes_with_it(
    metrics: Metrics, cache: str, hits: int, misses: int, collapsed: int, bypassed: int
) -> None:
    metrics.hear(served(cache=cache, body_bytes=7))
    assert value(metrics, "registry_proxy_requests_total", **BLOB) == hits + misses
    assert value(metrics, "registry_proxy_hits_total", **BLOB) == hits
    assert value(metrics, "registry_proxy_misses_total", **BLOB) == misses
    assert value(metrics, "registry_proxy_pushed_bytes_total", **BLOB) == 7 * (hits + misses)
    assert value(metrics, "dtr_cache_hit_bytes_total") == 7 * hits
    assert value(metrics, "dtr_cache_miss_bytes_total") == 7 * misses
    assert value(metrics, "dtr_cache_collapsed_requests_total") == collapsed
    assert value(metrics, "dtr_cache_bypassed_requests_total") == bypassed


def test_answers_of_one_status_are_one_series_wherever_their_bytes_came_from(metrics: Metrics) -> None:
    for cache, seconds in (("hit", 0.001), ("miss", 0.3), ("", 70)):
        metrics.hear(served(cache=cache, seconds=seconds, body_bytes=5 << 30))
    name = "registry_http_request_duration_seconds_bucket"
    assert [value(metrics, name, le=le, **GET_200) for le in ("0.5", "60.0", "+Inf")] == [2, 2, 3]
    assert value(metrics, "registry_http_request_duration_seconds_count", **GET_200) == 3
    assert value(metrics, "registry_http_response_size_bytes_bucket", le="+Inf", **GET_200) == 3
    assert value(metrics, "registry_http_response_size_bytes_sum", **GET_200) == 15 << 30


def test_a_client_cannot_make_new_series(metrics: Metrics) -> None:
    before = len(metrics.render().splitlines())
    for number in range(50):
        metrics.hear(served(method=f"EVIL{number}", status=405, account=f"a{number}", user_agent=f"u{number}"))
    after = len(metrics.render().splitlines())
    assert after - before < 60  # one series with its two histograms
    assert value(metrics, "registry_http_requests_total", handler="blob", method="unknown", code="405") == 50
    assert len(metrics._requests._series) == 1


def test_answers_that_did_not_end_are_counted(metrics: Metrics) -> None:
    metrics.hear(served(complete=False))
    assert value(metrics, "dtr_cache_broken_off_responses_total") == 1


def test_fills_under_way_are_counted_by_blob(metrics: Metrics) -> None:
    other = "sha256:" + "00" * 32
    for digest in (DIGEST, DIGEST, other):  # the first starts over
        metrics.hear(events.FillStarted(digest, "org/app", UPSTREAM, None))
    assert value(metrics, "dtr_cache_fills_in_progress") == 2
    metrics.hear(events.FillEnded(DIGEST, "stored", 100, 1.0))
    metrics.hear(events.FillEnded(other, "failed", 11, 1.0))
    metrics.hear(events.FillEnded("sha256:" + "11" * 32, "failed", 0, 1.0, "no upstream: it never started"))
    assert value(metrics, "dtr_cache_fills_in_progress") == 0
    assert value(metrics, "dtr_cache_fills_total", outcome="stored") == 1
    assert value(metrics, "dtr_cache_fills_total", outcome="failed") == 2
    assert value(metrics, "registry_proxy_pulled_bytes_total", **BLOB) == 111


def test_what_operators_ask_for_is_counted(metrics: Metrics) -> None:
    for sample in SAMPLES:
        metrics.hear(sample)
    metrics.hear(events.DiscoveryRefreshed("", 0, "no upstream gave one"))
    metrics.hear(events.DiscoveryRefreshed(UPSTREAM, 1, recalled=True))
    metrics.hear(events.Reloaded("certificate", "bad"))
    assert value(metrics, "dtr_cache_refusals_total", reason="expired") == 1
    assert value(metrics, "dtr_cache_fill_resumes_total") == 1
    assert value(metrics, "dtr_cache_upstream_failures_total", upstream=UPSTREAM) == 1
    assert value(metrics, "dtr_cache_evictions_total", reason="ttl") == 1
    assert value(metrics, "dtr_cache_evicted_bytes_total", reason="ttl") == 1048576
    assert value(metrics, "dtr_cache_quarantined_blobs_total") == 1
    assert value(metrics, "dtr_cache_storage_troubles_total", operation="writing") == 1
    assert value(metrics, "dtr_cache_discovery_refreshes_total", outcome="ok") == 1
    assert value(metrics, "dtr_cache_discovery_refreshes_total", outcome="failed") == 1
    assert value(metrics, "dtr_cache_reloads_total", what="certificate", outcome="ok") == 1
    assert value(metrics, "dtr_cache_reloads_total", what="certificate", outcome="failed") == 1
    assert value(metrics, "dtr_cache_faults_total") == 1


def test_the_volume_is_unknown_before_the_first_sweep_and_not_full(metrics: Metrics) -> None:
    names = ("dtr_cache_blobs", "dtr_cache_bytes_used", "dtr_cache_bytes_free", "dtr_cache_oldest_idle_seconds")
    assert all(math.isnan(value(metrics, name) or 0) for name in names)
    metrics.hear(events.SweepDone(12, 3_000_000, 7_000_000, 3600.0, 0.01))
    assert [value(metrics, name) for name in names] == [12, 3_000_000, 7_000_000, 3600]


def test_live_state_is_asked_at_the_scrape() -> None:
    healthy = {UPSTREAM: True}
    metrics = Metrics(
        "1",
        LiveState(
            requests_in_flight=lambda: {"blob": 2, "base": 0},
            upstream_healthy=lambda: healthy,
            certificate_expires_s=lambda: 1.8e9,
            discovery_age_s=lambda: 12.5,
            log_lines_dropped=lambda: 3,
        ),
    )
    assert value(metrics, "registry_http_in_flight_requests", handler="blob") == 2
    assert value(metrics, "dtr_cache_upstream_healthy", upstream=UPSTREAM) == 1
    healthy[UPSTREAM] = False
    assert value(metrics, "dtr_cache_upstream_healthy", upstream=UPSTREAM) == 0
    assert value(metrics, "dtr_cache_certificate_expiry_timestamp_seconds") == 1.8e9
    assert value(metrics, "dtr_cache_discovery_age_seconds") == 12.5
    assert value(metrics, "dtr_cache_log_lines_dropped") == 3


def test_an_answer_that_there_is_not_or_that_fails_leaves_out_its_own_metric_only() -> None:
    def broken() -> float:
        raise RuntimeError("not started")

    metrics = Metrics("1", LiveState(certificate_expires_s=lambda: None, discovery_age_s=broken, log_lines_dropped=int))
    text = metrics.render().decode()
    assert "certificate_expiry" not in text
    assert "discovery_age" not in text
    assert "dtr_cache_log_lines_dropped 0.0" in text


def test_no_account_client_path_or_grant_is_in_any_metric(metrics: Metrics) -> None:
    for sample in SAMPLES:
        metrics.hear(sample)
    metrics.hear(served(account="canary", client="canary", target="/canary?grant=canary", user_agent="canary"))
    assert b"canary" not in metrics.render()
    assert b"/certs/" not in metrics.render()


def test_two_programs_in_one_process_do_not_share_counters() -> None:
    first, second = Metrics("1"), Metrics("2")
    first.hear(served())
    assert value(second, "registry_http_requests_total", **GET_200) is None


def test_what_alerts_wait_for_stands_at_zero_from_the_start() -> None:
    text = Metrics("1.0").render().decode()

    assert 'dtr_cache_reloads_total{outcome="failed",what="certificate"} 0.0' in text
    assert 'dtr_cache_storage_troubles_total{operation="storing"} 0.0' in text
    assert 'dtr_cache_evictions_total{reason="minfree"} 0.0' in text


def test_every_trouble_and_reload_that_the_program_tells_has_its_counter() -> None:
    told = "".join(path.read_text() for path in Path(dtr_content_cache.__file__).parent.rglob("*.py"))

    assert set(re.findall(r'StorageTrouble\(\s*"([a-z ]+)"', told)) == set(TROUBLED)
    assert set(re.findall(r'Reloaded\(\s*"([a-z]+)"', told)) == set(RELOADED)
