"""The alerts and the dashboard that we ship: every metric in them exists, and every alert was seen to fire."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from dtr_content_cache.observation.live_gauges import LiveState
from dtr_content_cache.observation.metrics import Metrics

MONITORING = Path(__file__).parents[1] / "monitoring"
ALERTS = yaml.safe_load((MONITORING / "alerts.yml").read_text())
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
METRIC = re.compile(r"\b(?:dtr_cache|registry|process)_[a-z_]+")


def _rules() -> list[dict[str, Any]]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def _panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def _types() -> list[tuple[str, str]]:
    """Name and kind of every metric; counters by the names that Prometheus keeps."""
    live: dict[str, Any] = {field.name: lambda: 1.0 for field in fields(LiveState)}
    live |= dict.fromkeys(("upstream_healthy", "requests_in_flight"), lambda: {"some": 1})
    return re.findall(r"^# TYPE (\S+) (\S+)$", Metrics("1.0", LiveState(**live)).render().decode(), re.M)


def _known() -> set[str]:
    """The names of all samples: histograms with their parts."""
    types = _types()
    parts = {f"{name}_{part}" for name, kind in types if kind == "histogram" for part in ("bucket", "count", "sum")}
    return {name for name, _ in types} | parts


def test_every_metric_of_the_alerts_exists() -> None:
    named = {name for rule in _rules() for name in METRIC.findall(rule["expr"])}

    assert named
    assert named <= _known()


def test_every_metric_of_the_dashboard_exists() -> None:
    named = {name for panel in _panels() for target in panel["targets"] for name in METRIC.findall(target["expr"])}

    assert len(named) > 20
    assert named <= _known()


def test_the_dashboard_shows_every_metric_of_ours() -> None:
    shown = json.dumps(DASHBOARD)

    assert [name for name, _ in _types() if name.startswith("dtr_cache_") and name not in shown] == []


def test_no_two_panels_of_the_dashboard_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_every_alert_says_what_to_do_and_was_seen_to_fire() -> None:
    seen = (MONITORING / "alerts_test.yml").read_text()

    for rule in _rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["annotations"]["description"], rule["alert"]
        assert f'alertname="{rule["alert"]}"' in seen, rule["alert"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_the_alerts_fire_when_they_must_and_only_then() -> None:
    said = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yml"], cwd=MONITORING, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_prometheus_understands_every_question_of_the_dashboard(tmp_path: Path) -> None:
    asked = [target["expr"] for panel in _panels() for target in panel["targets"]]
    filled = [re.sub(r"\$__(?:rate_interval|range)", "5m", question) for question in asked]
    rules = [{"record": f"panel:{number}", "expr": question} for number, question in enumerate(filled)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    said = subprocess.run(
        ["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stdout + said.stderr
