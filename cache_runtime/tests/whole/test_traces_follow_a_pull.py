"""OpenTelemetry traces, where the environment asks for them: from the client through the cache to its upstream."""

from __future__ import annotations

import random
from pathlib import Path

from doubles.collector import Collector, written
from doubles.ports import free_port
from doubles.running_cache import eventually, running_cache
from doubles.upstream import Upstream

BLOB = random.Random(71).randbytes(300_000)
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CLIENT = {"traceparent": f"00-{TRACE}-{PARENT}-01"}


def environ(collector: str) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_SERVICE_NAME": "cache-asia",
    }


def test_a_miss_and_a_hit_are_parts_of_the_clients_trace_and_hold_no_secret(tmp_path: Path) -> None:
    with (
        Collector() as collector,
        Upstream() as upstream,
        running_cache(tmp_path, [upstream.url], environ=environ(collector.url)) as cache,
    ):
        digest = upstream.add(BLOB)
        grant = upstream.grant(digest)
        assert cache.get(digest, grant, headers=CLIENT).content == BLOB
        eventually(lambda: cache.is_stored(digest))
        assert cache.get(digest, grant).content == BLOB
        hit = eventually(
            lambda: [one for one in collector.spans if written(one).get("dtr_cache.cache_status") == "hit"]
        )
        miss, fill = eventually(
            lambda: (spans := [*_of(collector, "miss"), *_fills(collector)]) and spans[1:] and spans
        )

        assert collector.services == {"cache-asia"}
        assert (miss.trace_id.hex(), miss.parent_span_id.hex()) == (TRACE, PARENT)
        assert (fill.trace_id.hex(), fill.parent_span_id) == (TRACE, miss.span_id)
        assert written(miss)["http.response.body.size"] == written(fill)["dtr_cache.bytes"] == len(BLOB)
        assert written(miss)["dtr_cache.upstream"] == written(fill)["dtr_cache.upstream"] == upstream.url
        assert hit[0].trace_id.hex() != TRACE
        (asked,) = upstream.blob_requests()
        assert asked.headers["traceparent"] == f"00-{TRACE}-{miss.span_id.hex()}-01"
        sent = b"".join(collector.bodies)
        for secret in (grant, digest, digest[7:], "alice", "org/app", str(tmp_path)):
            assert secret.encode() not in sent


def _of(collector: Collector, cache: str) -> list:
    return [span for span in collector.spans if written(span).get("dtr_cache.cache_status") == cache]


def _fills(collector: Collector) -> list:
    return [span for span in collector.spans if span.name == "fill"]


def test_what_is_left_is_sent_at_the_end(tmp_path: Path) -> None:
    slowly = {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
    with Collector() as collector, Upstream() as upstream:
        with running_cache(tmp_path, [upstream.url], environ=environ(collector.url) | slowly) as cache:
            assert cache.session.get(cache.url + "/v2/", timeout=5).status_code == 200
            assert cache.stop() == 0

        assert [span.name for span in collector.spans] == ["GET"]


def test_a_collector_that_is_gone_costs_no_pull_and_no_clean_end(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], environ=environ(nobody)) as cache:
        digest = upstream.add(BLOB)
        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        eventually(lambda: "library=opentelemetry" in cache.said, 20)
        assert "level=error" not in cache.said
        assert "Traceback" not in cache.said

        assert cache.stop() == 0


def test_without_being_asked_a_clients_trace_goes_no_further(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(BLOB)
        assert cache.get(digest, upstream.grant(digest), headers=CLIENT).content == BLOB

        assert "traceparent" not in upstream.blob_requests()[0].headers
