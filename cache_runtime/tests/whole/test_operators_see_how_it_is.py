"""Health, readiness and metrics of a running cache, and none of it on the clients' side."""

from __future__ import annotations

import random
import re
from pathlib import Path

import requests
from doubles.ports import free_port
from doubles.running_cache import eventually, running_cache
from doubles.upstream import Upstream

BLOB = random.Random(61).randbytes(100_000)


def test_health_readiness_and_metrics_tell_what_happened(tmp_path: Path) -> None:
    switch = tmp_path / "closed"
    debug = f"127.0.0.1:{free_port()}"
    http = {"debug": {"addr": debug, "prometheus": {"enabled": True, "path": "/metrics"}}}
    health = {
        "health": {
            "storagedriver": {"enabled": True, "interval": "50ms"},
            "file": [{"file": str(switch), "interval": "50ms"}],
        }
    }

    def ask(path: str) -> requests.Response:
        return requests.get(f"http://{debug}{path}", timeout=5)

    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], http=http, sections=health) as cache:
        eventually(lambda: ask("/debug/ready").status_code == 200)
        assert ask("/debug/health").json() == {}
        digest = upstream.add(BLOB)
        assert cache.get(digest, upstream.grant(digest)).status_code == 200
        eventually(lambda: cache.get(digest, upstream.grant(digest)).headers["Cache-Status"].endswith("hit"))
        assert cache.get(digest, "no-grant").status_code == 403

        text = eventually(lambda: (page := ask("/metrics").text) and 'code="403"' in page and page)
        assert re.search(r'^registry_http_requests_total\{.*code="200".*\} [1-9]', text, re.M)
        assert re.search(r'^registry_proxy_hits_total\{type="blob"\} [1-9]', text, re.M)
        assert re.search(r'^registry_proxy_misses_total\{type="blob"\} 1', text, re.M)
        assert digest not in text
        assert "grant=" not in text

        switch.touch()
        eventually(lambda: ask("/debug/health").status_code == 503)
        assert ask("/debug/health").json() == {str(switch): "file exists"}
        assert cache.session.get(cache.url + "/v2/", timeout=5).status_code == 503
        switch.unlink()
        eventually(lambda: ask("/debug/health").status_code == 200)


def test_a_cache_without_keys_is_healthy_and_not_ready(tmp_path: Path) -> None:
    debug = f"127.0.0.1:{free_port()}"
    with running_cache(tmp_path, [f"http://127.0.0.1:{free_port()}"], http={"debug": {"addr": debug}}):
        ready = requests.get(f"http://{debug}/debug/ready", timeout=5)

        assert requests.get(f"http://{debug}/debug/health", timeout=5).status_code == 200
        assert ready.status_code == 503
        assert "discovery" in ready.json()
        assert requests.get(f"http://{debug}/metrics", timeout=5).status_code == 404
