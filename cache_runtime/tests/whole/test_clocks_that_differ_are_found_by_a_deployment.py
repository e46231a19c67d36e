"""Where this host's clock and its upstream's differ by more than grants allow, every pull would be refused: a
deployment hears of it before anybody pulls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
from doubles.ports import free_port
from doubles.running_cache import eventually, running_cache
from doubles.upstream import Upstream


@pytest.mark.parametrize("ahead_s", [600.0, -600.0])
def test_a_cache_whose_upstream_lives_at_another_time_is_healthy_and_not_fresh_and_says_how_far(
    tmp_path: Path, ahead_s: float
) -> None:
    debug = f"127.0.0.1:{free_port()}"
    metrics = {"debug": {"addr": debug, "prometheus": {"enabled": True}}}
    with (
        Upstream(ahead_s=ahead_s) as upstream,
        running_cache(tmp_path, [upstream.url], http=metrics) as cache,
    ):
        said = eventually(
            lambda: (
                (answer := requests.get(f"http://{debug}/debug/fresh", timeout=5).json().get("discovery", ""))
                and "its clock is" in answer
                and answer
            )
        )

        assert re.search(rf"(599|600|601) s {'ahead of' if ahead_s > 0 else 'behind'} this host's", said)
        assert requests.get(f"http://{debug}/debug/health", timeout=5).json() == {}
        assert "dtr_cache_discovery_fresh 0.0" in requests.get(f"http://{debug}/metrics", timeout=5).text
        eventually(
            lambda: [line for line in cache.said.splitlines() if "level=warning" in line and "its clock is" in line]
        )


def test_a_few_seconds_are_nobodys_business(tmp_path: Path) -> None:
    debug = f"127.0.0.1:{free_port()}"
    with (
        Upstream(ahead_s=20) as upstream,
        running_cache(tmp_path, [upstream.url], http={"debug": {"addr": debug}}),
    ):
        eventually(lambda: requests.get(f"http://{debug}/debug/fresh", timeout=5).status_code == 200)
