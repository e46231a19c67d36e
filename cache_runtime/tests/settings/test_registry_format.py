"""The registry's format row by row, as its documentation has it: what this cache does about each key.

A table of its own, so that a key that the schema forgot is missed here. H honoured, W ignored with a warning that names
the key, E refused with a sentence that names it, S accepted in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from dtr_content_cache.settings.model import Settings
from dtr_content_cache.values.failures import ConfigurationRefused

Load = Callable[..., Settings]
BASE: dict[str, Any] = {
    "version": 0.1,
    "storage": {"delete": {"enabled": True}, "filesystem": {"rootdirectory": "/var/lib/registry"}},
    "http": {"addr": ":5000"},
    "middleware": {"registry": [{"name": "downstream", "options": {"upstreams": ["https://dtr.example.com"]}}]},
}
HONOURED: list[tuple[str, Any, Callable[[Settings], Any], Any]] = [
    ("log.level", "WARN", lambda s: s.log.level, "warn"),
    ("loglevel", "debug", lambda s: s.log.level, "debug"),
    ("log.formatter", "logstash", lambda s: s.log.formatter, "logstash"),
    ("log.fields", {"a": "b"}, lambda s: s.log.fields, (("a", "b"),)),
    ("log.accesslog.disabled", True, lambda s: s.log.access_log, False),
    ("storage", {"inmemory": None}, lambda s: s.storage.in_memory, True),
    ("storage", "inmemory", lambda s: s.storage.in_memory, True),
    ("storage.filesystem.rootdirectory", "/srv", lambda s: str(s.storage.root), "/srv"),
    ("storage.delete.enabled", False, lambda s: s.storage.delete_enabled, False),
    ("storage.maintenance.uploadpurging.age", "2h", lambda s: s.storage.partial_age_s, 7200),
    ("storage.maintenance.readonly.enabled", True, lambda s: s.storage.read_only, True),
    ("middleware.registry.0.disabled", False, lambda s: len(s.downstream.upstreams), 1),
    ("http.addr", "[::1]:5001", lambda s: (s.http.host, s.http.port), ("::1", 5001)),
    ("http", {"net": "unix", "addr": "/run/c.sock"}, lambda s: (s.http.network, s.http.host), ("unix", "/run/c.sock")),
    ("http.host", "https://c.example.com/", lambda s: s.http.external_url, "https://c.example.com"),
    ("http.prefix", "/a/", lambda s: s.http.prefix, "/a/"),
    ("http.draintimeout", "60s", lambda s: s.http.drain_timeout_s, 60),
    ("http.draintimeout", 60_000_000_000, lambda s: s.http.drain_timeout_s, 60),
    ("http.headers", {"X-A": ["b", "c"]}, lambda s: s.http.headers, (("X-A", "b"), ("X-A", "c"))),
    ("http.debug", {"addr": ":5001"}, lambda s: s.debug and (s.debug.port, s.debug.metrics_path), (5001, None)),
    (
        "http.debug",
        {"addr": ":5001", "prometheus": {"enabled": True, "path": "/m"}},
        lambda s: s.debug and s.debug.metrics_path,
        "/m",
    ),
    ("health.storagedriver.enabled", True, lambda s: s.health.storage_interval_s, 10),
    ("health.file", [{"file": "/x"}], lambda s: str(s.health.files[0].path), "/x"),
    ("health.http", [{"uri": "http://a/"}], lambda s: s.health.https[0].status, 200),
    ("health.tcp", [{"addr": "a:1"}], lambda s: s.health.tcps[0].address, "a:1"),
]
IGNORED: list[tuple[str, Any]] = [
    ("log.hooks", [{"type": "mail", "levels": ["panic"], "options": {"smtp": {"addr": "a"}, "to": ["b@c"]}}]),
    ("storage.filesystem.maxthreads", 100),
    ("storage.cache.blobdescriptor", "redis"),
    ("storage.cache.layerinfo", "redis"),
    ("http.h2c.enabled", True),
    ("notifications", {"endpoints": [{"name": "a", "url": "https://a", "timeout": "1s", "threshold": 5}]}),
    ("redis", {"addr": "a:1", "password": "topsecret", "db": 0, "pool": {"maxidle": 16}}),
    ("redis", {"addrs": ["a:1"], "tls": {"certificate": "/a"}}),
    ("proxy.ttl", "168h"),
    ("reporting", {"bugsnag": {"apikey": "topsecret"}}),
]
REFUSED: list[tuple[str, Any]] = [
    ("version", 0.2),
    *((f"storage.{driver}", {"bucket": "topsecret"}) for driver in ("s3", "azure", "gcs", "swift", "oss")),
    ("storage.nosuch", {}),
    ("storage.inmemory", None),  # beside filesystem: two drivers
    ("auth.htpasswd", {"realm": "a", "path": "/a"}),
    ("auth.token", {"realm": "a", "service": "b", "issuer": "c"}),
    ("auth.silly", {"realm": "a", "service": "b"}),
    ("middleware.registry.0.name", "cloudfront"),
    ("middleware.repository", [{"name": "a"}]),
    ("middleware.storage", [{"name": "redirect", "options": {"baseurl": "https://a"}}]),
    ("http.tls", {"letsencrypt": {"cachefile": "/a", "email": "a@b", "hosts": ["a"]}}),
    ("http.addr", "5000"),
    ("http.net", "udp"),
    ("http.host", "cache.example.com"),
    ("http.prefix", "a"),
    ("http.draintimeout", "60"),
    ("http.debug.addr", ":5000"),
    ("log.level", "chatty"),
    ("log.formatter", "xml"),
    ("storage.delete.enabled", "yes please"),
    ("proxy.remoteurl", "https://registry-1.docker.io"),
]
SILENT: list[tuple[str, Any]] = [
    ("log.reportcaller", True),
    ("storage.redirect.disable", True),
    ("storage.cache.blobdescriptor", "inmemory"),
    ("storage.cache.blobdescriptorsize", 10000),
    ("storage.maintenance.uploadpurging", {"enabled": True, "age": "168h", "interval": "24h", "dryrun": False}),
    ("storage.tag.concurrencylimit", 8),
    ("auth", {"none": None}),
    ("http.secret", "generate-random-secret"),
    ("http.relativeurls", True),
    ("http.http2.disabled", True),
    ("http.h2c.enabled", False),
    ("catalog.maxentries", 1000),
    ("tags.maxtags", 1000),
    ("validation", {"disabled": True, "manifests": {"urls": {"allow": ["a"]}, "indexes": {"platforms": "all"}}}),
    ("policy.repository.classes", ["plugin"]),
    ("compatibility.schema1", {"enabled": False}),
    ("proxy", {"remoteurl": ""}),
]


def written(path: str, value: Any) -> str:
    document = yaml.safe_load(yaml.safe_dump(BASE))
    *steps, last = path.split(".")
    node: Any = document
    for step in steps:
        node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
    if last in ("", *"0123456789"):
        raise AssertionError(path)
    node[last] = value
    return yaml.safe_dump(document)


def test_no_row_contradicts_another() -> None:
    rows = [(path, repr(value)) for path, value, *_ in [*HONOURED, *IGNORED, *REFUSED, *SILENT]]
    assert len(set(rows)) == len(rows) > 70


@pytest.mark.parametrize(("path", "value", "found", "wanted"), HONOURED)
def test_an_honoured_key_changes_what_it_says(
    load_text: Load, path: str, value: Any, found: Callable[[Settings], Any], wanted: Any
) -> None:
    assert found(load_text(written(path, value))) == wanted


@pytest.mark.parametrize(("path", "value"), IGNORED)
def test_an_ignored_key_is_named_in_one_warning(load_text: Load, path: str, value: Any) -> None:
    (warning,) = load_text(written(path, value)).warnings
    assert f" {path} is ignored: " in warning
    assert "topsecret" not in warning


@pytest.mark.parametrize(("path", "value"), REFUSED)
def test_a_refused_key_is_named_in_one_sentence(load_text: Load, path: str, value: Any) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        load_text(written(path, value))
    named = path.replace(".0.", "[0].")
    assert any(f": {named}" in mistake for mistake in refused.value.mistakes), refused.value.mistakes
    assert "topsecret" not in "".join(refused.value.mistakes)


@pytest.mark.parametrize(("path", "value"), SILENT)
def test_a_silent_key_changes_nothing_and_says_nothing(load_text: Load, path: str, value: Any) -> None:
    settings = load_text(written(path, value))
    assert settings.warnings == ()
    if path != "storage.maintenance.uploadpurging":  # whose age is honoured
        assert settings == load_text(yaml.safe_dump(BASE))
