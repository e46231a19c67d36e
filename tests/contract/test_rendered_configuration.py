"""What the role writes is what the cache understands: every option reaches the setting that it is named after."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from authority import OfficeAuthority
from dtr_content_cache.settings import load
from dtr_content_cache.settings.model import Settings
from role_files import entry_points, role_file

BASE = {"cache_host_upstreams": ["https://dtr.example.com"]}
SEEN = role_file("cache_host", "vars/main.yml")["cache_host__folder_inside"] + "/current/certs"
CA_OF_A_REGISTRY = "stands for PEM text"
TLS = {"cache_host_public_url": "https://cache.example.com:5000"}


@dataclass(frozen=True)
class Case:
    """An option's value, and what the loaded settings must then say."""

    variables: Mapping[str, Any]
    meaning: Callable[[Settings], Any]
    expected: Any
    secret: bool = False


def process(**variables: Any) -> dict[str, Any]:
    return {f"cache_host_{name}": value for name, value in {"engine": "process", **variables}.items()}


def docker(**variables: Any) -> dict[str, Any]:
    return {f"cache_host_{name}": value for name, value in variables.items()}


CASES = {
    "upstreams": Case(docker(upstreams=["https://a.example.com:5000", "https://b.example.com"]),
                      lambda s: [one.url for one in s.downstream.upstreams],
                      ["https://a.example.com:5000", "https://b.example.com"]),
    "cas": Case({"with_certificates": True}, lambda s: [path.name for path in s.downstream.cas],
                ["upstream-ca-1.pem", "upstream-ca-2.pem"]),
    "tls_certificate": Case({"with_certificates": True}, lambda s: s.http.tls.certificate.name, "cache.pem"),
    "tls_key": Case({"with_certificates": True}, lambda s: s.http.tls.key.name, "cache-key.pem"),
    "authorization": Case(docker(authorization="upstream"), lambda s: s.downstream.authorization, "upstream"),
    "redirect_hosts": Case(docker(redirect_hosts=["s3.example.com:9000"]), lambda s: s.downstream.redirect_hosts,
                           ("s3.example.com:9000",)),
    "offline": Case(docker(authorization="upstream", offline="serve"), lambda s: s.downstream.offline_limit_s, 86400),
    "offline_limit": Case(docker(authorization="upstream", offline="serve", offline_limit="8h"),
                          lambda s: s.downstream.offline_limit_s, 8 * 3600),
    "registries": Case(
        {"with_certificates": True} | docker(authorization="upstream", registries=[
            {"name": "hub", "upstreams": ["https://hub.example.com"], "ns": ["docker.io"], "cas": [],
             "redirect_hosts": ["s3.example.com"], "realm_hosts": ["tokens.example.com"]},
            {"name": "two", "upstreams": ["https://two.example.com"], "hosts": ["two.cache.example.com"],
             "cas": [CA_OF_A_REGISTRY], "offline": "serve", "offline_limit": "1h", "verdict_ttl": "5s"}]),
        lambda s: [(one.name, one.namespaces, one.hosts, one.redirect_hosts, one.realm_hosts,
                    [path.name for path in one.cas], one.offline_limit_s, one.verdict_ttl_s)
                   for one in s.downstream.registries],
        [("hub", ("docker.io",), (), ("s3.example.com",), ("tokens.example.com",), [], None, 60),
         ("two", ("two",), ("two.cache.example.com",), (), (), ["upstream-ca-3.pem"], 3600, 5)]),
    "realm_hosts": Case(docker(authorization="upstream", realm_hosts=["tokens.example.com"]),
                        lambda s: s.downstream.realm_hosts, ("tokens.example.com",)),
    "public_url": Case(docker(public_url="http://cache.example.com:5000"), lambda s: s.http.external_url,
                       "http://cache.example.com:5000"),
    "listen_address": Case(process(listen_address="127.0.0.1"), lambda s: s.http.host, "127.0.0.1"),
    "listen_address ip6": Case(process(listen_address="[::1]"), lambda s: s.http.host, "::1"),
    "port": Case(process(port=5443), lambda s: s.http.port, 5443),
    "port of the public address": Case(process(public_url="http://c.example.com:8080"), lambda s: s.http.port, 8080),
    "port of plain http": Case(process(public_url="http://c.example.com"), lambda s: s.http.port, 80),
    "port in the container": Case(docker(port=443), lambda s: s.http.port, 5000),
    "http_secret": Case(docker(http_secret="canary-of-http"), lambda s: s.http.port, 5000, secret=True),
    "drain_timeout": Case(docker(drain_timeout="90s"), lambda s: s.http.drain_timeout_s, 90),
    "debug_port": Case(process(debug_port=5001), lambda s: (s.debug.host, s.debug.port), ("127.0.0.1", 5001)),
    "debug_address": Case(process(debug_port=5001, debug_address="[::1]"), lambda s: s.debug.host, "::1"),
    "debug_port off": Case(docker(debug_port="0"), lambda s: s.debug, None),
    "metrics": Case(docker(debug_port=5001, metrics=True), lambda s: s.debug.metrics_path, "/metrics"),
    "metrics off": Case(docker(debug_port=5001, metrics="false"), lambda s: s.debug.metrics_path, None),
    "blob_ttl": Case(docker(blob_ttl="168h"), lambda s: s.downstream.blob_ttl_s, 7 * 86400),
    "blob_ttl off": Case(docker(blob_ttl=""), lambda s: s.downstream.blob_ttl_s, None),
    "max_size": Case(docker(max_size="200GB"), lambda s: s.downstream.max_size_bytes, 200 * 10**9),
    "min_free": Case(docker(min_free="10%"), lambda s: s.downstream.min_free_fraction, 0.1),
    "min_free bytes": Case(docker(min_free="20GiB"), lambda s: s.downstream.min_free_bytes, 20 << 30),
    "clock_skew": Case(docker(clock_skew="5s"), lambda s: s.downstream.clock_skew_s, 5),
    "verdict_ttl": Case(docker(authorization="upstream", verdict_ttl="10s"), lambda s: s.downstream.verdict_ttl_s, 10),
    "stall_timeout": Case(docker(stall_timeout="7s"), lambda s: s.downstream.stall_timeout_s, 7),
    "max_fills": Case(docker(max_fills=4), lambda s: s.downstream.max_fills, 4),
    "max_fill_rate": Case(docker(max_fill_rate="10MB"), lambda s: s.downstream.max_fill_bytes_per_s, 10**7),
    "workers": Case(docker(workers=1), lambda s: s.downstream.max_fills, 32),
    "log_level": Case(docker(log_level="debug"), lambda s: s.log.level, "debug"),
    "log_format": Case(docker(log_format="json"), lambda s: s.log.formatter, "json"),
    "access_log": Case(docker(access_log=False), lambda s: s.log.access_log, False),
    "access_log from the command line": Case(docker(access_log="false"), lambda s: s.log.access_log, False),
    "config_extra": Case(docker(config_extra={"http": {"prefix": "/cache/"}}), lambda s: s.http.prefix, "/cache/"),
    "storage": Case(process(storage="/srv/blobs"), lambda s: str(s.storage.root), "/srv/blobs"),
    "directory": Case(process(directory="/srv/cache"), lambda s: str(s.storage.root), "/srv/cache/data"),
    "name": Case(process(name="office"), lambda s: str(s.storage.root), "/etc/office/data"),
    "engine": Case(process(), lambda s: str(s.storage.root), "/etc/dtr-cache/data"),
    "engine swarm": Case(docker(engine="swarm", port=443), lambda s: (s.http.port, str(s.storage.root)),
                         (5000, "/var/lib/registry")),
    "engine kubernetes": Case(docker(engine="kubernetes", port=443),
                              lambda s: (s.http.port, s.debug.port), (5000, 5001)),
    "storage in the container": Case(docker(storage="blobs"), lambda s: str(s.storage.root), "/var/lib/registry"),
    "vendor_image": Case(docker(vendor_image="true", max_size="1GB", clock_skew="1s", authorization="upstream"),
                         lambda s: (s.downstream.max_size_bytes, s.downstream.authorization), (None, "grant")),
    "nothing said": Case({}, lambda s: (s.downstream.blob_ttl_s, s.storage.delete_enabled, s.http.tls),
                         (86400, True, None)),
    "text that looks like YAML": Case(docker(max_size="1GB", public_url="http://[::1]:5000"),
                                      lambda s: s.http.external_url, "http://[::1]:5000"),
}

# What the configuration has nothing to do with: the host, the container, the program, the way to healthy.
ABOUT_THE_HOST = {
    "purge_storage", "behind_proxy", "image", "image_source", "image_archive", "container_user", "container_memory",
    "container_cpus", "container_pids", "container_networks", "container_dns", "container_etc_hosts",
    "container_restart", "container_log_size", "container_log_files", "command", "process_manager", "process_user",
    "healthy_within", "probe_fresh", "probe_from_controller", "probe_ca", "swarm_replicas", "swarm_constraints",
    "swarm_volume_driver", "swarm_volume_options", "swarm_monitor", "environment", "steady_for",
} | {name[11:] for name in entry_points("cache_host")["main"] if "_kubernetes_" in name}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the cache sees it at SEEN."""
    folder = tmp_path_factory.mktemp("certs")
    office, other = OfficeAuthority(folder / "office"), OfficeAuthority(folder / "other")
    certificate, key = office.issue("cache")
    for source, name in ((office.ca_path, "upstream-ca-1.pem"), (other.ca_path, "upstream-ca-2.pem"),
                         (office.ca_path, "upstream-ca-3.pem"),
                         (certificate, "cache.pem"), (key, "cache-key.pem")):
        (folder / name).write_bytes(source.read_bytes())
    return folder


@pytest.fixture(scope="module")
def configurations(render: Callable, certificates: Path) -> dict[str, str]:
    """The role's configuration for each case."""
    return render({name: _variables(case, certificates) for name, case in CASES.items()}, "{{ cache_host__config }}")


def _variables(case: Case, certificates: Path) -> dict[str, Any]:
    given = dict(case.variables)
    if given.pop("with_certificates", False):
        given |= TLS | {
            "cache_host_cas": [
                (certificates / "upstream-ca-1.pem").read_text(),
                str(certificates / "upstream-ca-2.pem"),
            ],
            "cache_host_tls_certificate": str(certificates / "cache.pem"),
            "cache_host_tls_key": (certificates / "cache-key.pem").read_text(),
        }
    for registry in given.get("cache_host_registries", ()):
        office = (certificates / "upstream-ca-1.pem").read_text()
        registry["cas"] = [office if ca == CA_OF_A_REGISTRY else ca for ca in registry["cas"]]
    return BASE | given


@pytest.fixture
def written(configurations: dict[str, str], certificates: Path, tmp_path: Path) -> Callable[[str], Path]:
    """written(name) → the case's configuration as a file, with the certificates where they are on this machine."""

    def write(name: str) -> Path:
        path = tmp_path / "config.yml"
        path.write_text(configurations[name].replace(f"{SEEN}/", f"{certificates}/"), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", CASES)
def test_an_option_means_in_the_cache_what_the_role_says(name: str, written: Callable[[str], Path]) -> None:
    settings = load(written(name), {})
    assert CASES[name].meaning(settings) == CASES[name].expected
    assert settings.warnings == ()


@pytest.mark.parametrize("name", ["cas", "vendor_image", "engine"])
def test_the_command_itself_accepts_the_configuration(name: str, written: Callable[[str], Path]) -> None:
    command = [str(Path(sys.executable).parent / "dtr-content-cache"), "--check", str(written(name))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_option_of_the_role_reaches_the_configuration_or_is_about_the_host() -> None:
    options = entry_points("cache_host")["main"]
    proven = {name.split(" ")[0] for name in CASES}
    assert set(options) == {f"cache_host_{name}" for name in ABOUT_THE_HOST | (proven & {n[11:] for n in options})}


def test_a_secret_is_known_to_be_one(configurations: dict[str, str], certificates: Path, render: Callable) -> None:
    assert yaml.safe_load(configurations["http_secret"])["http"]["secret"] == "canary-of-http"
    cases = {name: _variables(case, certificates) for name, case in CASES.items()}
    known = render(cases, "{{ cache_host__config_is_secret }}")
    assert {name for name, said in known.items() if str(said) == "True"} == {
        name for name, case in CASES.items() if case.secret
    }


def test_the_vendors_image_gets_no_key_that_it_does_not_know(configurations: dict[str, str]) -> None:
    options = yaml.safe_load(configurations["vendor_image"])["middleware"]["registry"][0]["options"]
    assert set(options) == {"blobttl", "upstreams"}
