"""Each metric that operators are promised is there from the start, and moves when what it counts happens.

One cache lives through everything that the figures tell of; then each of them must have changed as it should.
"""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from doubles.certificates import Authority
from doubles.ports import free_port
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream, cut_after, hold_after
from prometheus_client.parser import text_string_to_metric_families

Figures = dict[str, float]
"""By sample name, with labels as `name{label="value"}`; histogram buckets left out."""
BLOBS = [random.Random(80 + number).randbytes(400_000) for number in range(4)]
LARGE = random.Random(90).randbytes(1_200_000)
# These tell of faults of the program, of the machine, or of nobody reading the log: in a good life they stay at rest.
AT_REST = {
    "dtr_cache_faults_total",
    "dtr_cache_storage_troubles_total",
    "dtr_cache_log_lines_dropped",
    "dtr_cache_build_info",
    "dtr_cache_offline_answers_total",  # moves where the operator opted in, and no upstream answers
    "dtr_cache_certificate_expiry_timestamp_seconds",
    "dtr_cache_discovery_fresh",
    # These moved and came back to where they were, or began before the life did.
    "registry_http_in_flight_requests",
    "dtr_cache_fills_in_progress",
    "dtr_cache_discovery_refreshes_total",
}


def figures(address: str) -> Figures:
    found: Figures = {}
    for family in text_string_to_metric_families(requests.get(f"http://{address}/metrics", timeout=5).text):
        for sample in family.samples:
            if not sample.name.endswith("_bucket"):
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def names(of: Figures) -> set[str]:
    return {key.partition("{")[0] for key in of}


def total(of: Figures, name: str, **labels: str) -> float:
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    keys = [key for key in of if key.partition("{")[0] == name and all(one in key for one in wanted)]
    return sum(of[key] for key in keys)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Figures, Figures, Upstream]]:
    """(figures at the start, figures at the end, the upstream)."""
    folder = tmp_path_factory.mktemp("life")
    ours, debug = Authority("ours"), f"127.0.0.1:{free_port()}"
    certificate, key = ours.issue(folder, "127.0.0.1")
    (folder / "ca.pem").write_bytes(ours.pem)
    http = {
        "debug": {"addr": debug, "prometheus": {"enabled": True}},
        "tls": {"certificate": str(certificate), "key": str(key)},
    }
    with Upstream() as upstream, running_cache(folder / "cache", [upstream.url], http=http, maxsize="1MB") as cache:
        cache.session.verify = str(folder / "ca.pem")
        eventually(lambda: figures(debug).get("dtr_cache_discovery_fresh") == 1)
        eventually(lambda: figures(debug)["dtr_cache_bytes_free"] > 0)
        before = figures(debug)
        live(cache, upstream, debug)
        after = eventually(lambda: (now := figures(debug)) and total(now, "dtr_cache_evictions_total") and now, 20)
        assert total(after, "dtr_cache_upstream_healthy") == 0
        assert after["dtr_cache_fills_in_progress"] == 0
        assert total(after, "registry_http_in_flight_requests") == 0
        yield before, after, upstream


def live(cache: RunningCache, upstream: Upstream, debug: str) -> None:
    digests = [upstream.add(blob) for blob in BLOBS]
    pull: Any = lambda digest, **options: cache.get(digest, upstream.grant(digest), **options)  # noqa: E731
    # A miss, somebody who joins it, what is under way meanwhile, and hits.
    upstream.faults = [hold_after(100_000)]
    answers: list[bytes] = []
    both = [threading.Thread(target=lambda: answers.append(ask(cache, upstream, digests[0]))) for _ in range(2)]
    for one in both:
        one.start()
    eventually(lambda: total(figures(debug), "registry_http_in_flight_requests", handler="blob") == 2)
    assert figures(debug)["dtr_cache_fills_in_progress"] == 1
    upstream.release.set()
    for one in both:
        one.join(20)
    assert answers == [BLOBS[0]] * 2
    eventually(lambda: cache.is_stored(digests[0]))
    assert pull(digests[0]).content == BLOBS[0]
    # A transfer that breaks and goes on; what is too large to be kept; a refusal; a client that leaves.
    upstream.faults = [cut_after(50_000)]
    assert pull(digests[1]).content == BLOBS[1]
    large = upstream.add(LARGE)
    eventually(lambda: pull(large).headers["Cache-Status"].endswith("fwd=uri-miss"))
    assert cache.get(digests[0], "no-grant").status_code == 403
    upstream.release.clear()
    upstream.faults = [hold_after(300_000)]
    pull(digests[2], stream=True).close()
    upstream.release.set()
    eventually(lambda: cache.is_stored(digests[2]))
    # Rot, which is set aside and fetched anew.
    eventually(lambda: pull(digests[2]).headers["Cache-Status"].endswith("hit"))
    cache.stored(digests[2]).write_bytes(b"rot" + BLOBS[2][3:])
    assert pull(digests[2]).content == BLOBS[2]
    # More than maxsize: somebody has to go.
    assert pull(digests[3]).content == BLOBS[3]
    # A client that takes us for a plain server.
    with socket.create_connection(("127.0.0.1", int(cache.url.rpartition(":")[2])), 5) as plain:
        plain.sendall(b"GET /v2/ HTTP/1.1\r\nHost: cache\r\n\r\n")
        eventually(lambda: figures(debug)["dtr_cache_tls_failures_total"] == 1)
    # An upstream that is gone.
    upstream.stop()
    assert cache.get("sha256:" + "5a" * 32, upstream.grant("sha256:" + "5a" * 32)).status_code == 503
    # A reload that is good and one that is not.
    cache.hang_up()
    eventually(lambda: "configuration reloaded" in cache.said)
    cache.config_path.write_text("{")
    cache.hang_up()
    eventually(lambda: "stays in use" in cache.said)


def ask(cache: RunningCache, upstream: Upstream, digest: str) -> bytes:
    url = f"{cache.url}/v2/org/app/blobs/{digest}?grant={upstream.grant(digest)}"
    return requests.get(url, verify=cache.session.verify, timeout=30).content


def test_every_figure_is_there_and_has_moved(life: tuple[Figures, Figures, Upstream]) -> None:
    before, after, _ = life
    ours = {name for name in names(after) if name.startswith(("registry_", "dtr_cache_"))}
    moved = {name for name in ours if {k: v for k, v in before.items() if k.startswith(name)} !=
             {k: v for k, v in after.items() if k.startswith(name)}}  # fmt: skip

    assert ours - moved <= AT_REST
    assert ours >= AT_REST


@pytest.mark.parametrize(
    ("name", "labels", "least"),
    [
        ("registry_http_requests_total", {"code": "200", "handler": "blob", "method": "get"}, 6),
        ("registry_http_requests_total", {"code": "403"}, 1),
        ("registry_http_request_duration_seconds_count", {"handler": "blob"}, 7),
        ("registry_http_response_size_bytes_sum", {"handler": "blob"}, 2_000_000),
        ("registry_proxy_requests_total", {"type": "blob"}, 7),
        ("registry_proxy_hits_total", {"type": "blob"}, 1),
        ("registry_proxy_misses_total", {"type": "blob"}, 5),
        ("registry_proxy_pulled_bytes_total", {"type": "blob"}, 1_600_000),
        ("registry_proxy_pushed_bytes_total", {"type": "blob"}, 2_000_000),
        ("dtr_cache_tls_failures_total", {}, 1),
        ("dtr_cache_hit_bytes_total", {}, 400_000),
        ("dtr_cache_miss_bytes_total", {}, 1_600_000),
        ("dtr_cache_collapsed_requests_total", {}, 1),
        ("dtr_cache_bypassed_requests_total", {}, 1),
        ("dtr_cache_broken_off_responses_total", {}, 1),
        ("dtr_cache_refusals_total", {"reason": "malformed"}, 1),
        ("dtr_cache_fills_total", {"outcome": "stored"}, 4),
        ("dtr_cache_fill_bytes_per_second_count", {}, 4),
        ("dtr_cache_fill_resumes_total", {}, 1),
        ("dtr_cache_upstream_failures_total", {}, 1),
        ("dtr_cache_evictions_total", {"reason": "maxsize"}, 1),
        ("dtr_cache_evicted_bytes_total", {"reason": "maxsize"}, 400_000),
        ("dtr_cache_quarantined_blobs_total", {}, 1),
        ("dtr_cache_reloads_total", {"what": "configuration", "outcome": "ok"}, 1),
        ("dtr_cache_reloads_total", {"what": "configuration", "outcome": "failed"}, 1),
        ("dtr_cache_discovery_refreshes_total", {"outcome": "ok"}, 1),
        ("dtr_cache_bytes_free", {}, 1),
        ("dtr_cache_bytes_used", {}, 400_000),
        ("dtr_cache_blobs", {}, 1),
        ("dtr_cache_certificate_expiry_timestamp_seconds", {}, 1.7e9),
        ("dtr_cache_discovery_fresh", {}, 1),
    ],
)
def test_a_figure_counts_what_happened(
    life: tuple[Figures, Figures, Upstream], name: str, labels: dict[str, str], least: float
) -> None:
    assert total(life[1], name, **labels) >= least


def test_no_figure_names_a_blob_a_repository_an_account_or_a_grant(life: tuple[Figures, Figures, Upstream]) -> None:
    _, after, upstream = life
    text = "\n".join(after)
    for secret in (*upstream.blobs, "org/app", "alice", "grant", "eyJ"):
        assert secret not in text
