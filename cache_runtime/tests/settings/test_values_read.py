"""What honoured keys become, beyond what the vendor's configurations show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dtr_content_cache.settings.model import Debug, FileCheck, HttpCheck, Settings, TcpCheck, Upstream

Load = Callable[..., Settings]
With = Callable[[str], str]


@pytest.mark.parametrize(
    ("option", "attribute", "value"),
    [
        ("blobttl: 1h30m", "blob_ttl_s", 5400),
        ("blobttl: 24", "blob_ttl_s", 24e-9),
        ("blobttl: 1.5h", "blob_ttl_s", 5400),
        ("authorization: upstream", "authorization", "upstream"),
        ("maxsize: 200GB", "max_size_bytes", 200 * 10**9),
        ("maxsize: 1TiB", "max_size_bytes", 2**40),
        ("maxsize: 5000000000", "max_size_bytes", 5 * 10**9),
        ("minfree: 7.5%", "min_free_fraction", 0.075),
        ("minfree: 7.5%", "min_free_bytes", None),
        ("minfree: 20GB", "min_free_bytes", 20 * 10**9),
        ("minfree: 20GB", "min_free_fraction", None),
        ("clockskew: 5s", "clock_skew_s", 5),
        ("verdictttl: 0", "verdict_ttl_s", 0),
        ("verdictttl: '0'", "verdict_ttl_s", 0),
        ("stalltimeout: 2m", "stall_timeout_s", 120),
        ("redirecthosts: [S3.example.com, 'minio:9000', '[FE80::1]:443']", "redirect_hosts",
         ("s3.example.com", "minio:9000", "[fe80::1]:443")),
        ("realmhosts: ['auth.example.com:5001']", "realm_hosts", ("auth.example.com:5001",)),
        ("offline: serve\nauthorization: upstream", "offline_limit_s", 24 * 3600),
        ("offline: serve\nofflinelimit: 90m\nauthorization: upstream", "offline_limit_s", 5400),
        ("offline: refuse", "offline_limit_s", None),
        ("maxfills: 4", "max_fills", 4),
        ("maxfillrate: 10MB", "max_fill_bytes_per_s", 10**7),
        ("cas:", "cas", ()),
    ],
)  # fmt: skip
def test_an_option_becomes_this_value(
    load_text: Load, with_options: With, option: str, attribute: str, value: Any
) -> None:
    assert getattr(load_text(with_options(option)).downstream, attribute) == pytest.approx(value)


@pytest.mark.parametrize(
    ("url", "upstream"),
    [
        ("http://cache", Upstream("http", "cache", 80)),
        ("HTTPS://DTR.Example.COM:08443", Upstream("https", "dtr.example.com", 8443)),
        ("https://10.0.0.1:443", Upstream("https", "10.0.0.1", 443)),
        ("https://[2001:DB8::1]", Upstream("https", "2001:db8::1", 443)),
        ("https://dtr_dev.local", Upstream("https", "dtr_dev.local", 443)),
        ("https://xn--d1afpj.example.com", Upstream("https", "xn--d1afpj.example.com", 443)),
    ],
)
def test_an_upstream_is_scheme_host_and_port(load_text: Load, with_options: With, url: str, upstream: Upstream) -> None:
    assert load_text(with_options(f"upstreams: ['{url}']")).downstream.upstreams == (upstream,)


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        (":5000", "", 5000),
        ("0.0.0.0:443", "0.0.0.0", 443),  # noqa: S104
        ("localhost:0", "localhost", 0),
        ("[::]:5000", "::", 5000),
    ],
)
def test_a_listen_address_is_host_and_port(
    load_text: Load, with_section: With, address: str, host: str, port: int
) -> None:
    http = load_text(with_section(f"http:\n  addr: '{address}'\n")).http
    assert (http.host, http.port) == (host, port)


def test_a_unix_socket_is_a_path(load_text: Load, with_section: With) -> None:
    http = load_text(with_section("http:\n  net: unix\n  addr: /run/cache.sock\n")).http
    assert (http.network, http.host) == ("unix", "/run/cache.sock")


def test_the_http_section_is_honoured(load_text: Load, with_section: With) -> None:
    text = """\
http:
  addr: :5000
  host: https://cache.example.com/
  prefix: /cache/
  draintimeout: 0
  headers:
    X-Content-Type-Options: [nosniff]
    X-Number: [5, six]
  debug:
    addr: 127.0.0.1:5001
    prometheus: {enabled: true, path: /numbers}
"""
    settings = load_text(with_section(text))
    assert (settings.http.external_url, settings.http.prefix) == ("https://cache.example.com", "/cache/")
    assert settings.http.drain_timeout_s == 0
    assert settings.http.headers == (("X-Content-Type-Options", "nosniff"), ("X-Number", "5"), ("X-Number", "six"))
    assert settings.debug == Debug("127.0.0.1", 5001, "/numbers")


def test_metrics_are_off_until_they_are_enabled(load_text: Load, with_section: With) -> None:
    settings = load_text(with_section("http:\n  addr: :5000\n  debug:\n    addr: :5001\n"))
    assert settings.debug == Debug("", 5001, None)


def test_tls_names_ciphers_as_openssl_does(load_text: Load, with_section: With, pki: Path) -> None:
    text = """\
http:
  addr: :5000
  tls:
    certificate: {pki}/chain.pem
    key: {pki}/key.pem
    clientcas: ['{pki}/ca.pem']
    ciphersuites:
      - TLS_AES_128_GCM_SHA256
      - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
      - TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305
      - TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
"""
    tls = load_text(with_section(text)).http.tls
    assert tls is not None
    assert tls.ciphers == ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305")
    assert (tls.client_cas, tls.client_auth) == ((pki / "ca.pem",), "require-and-verify-client-cert")
    assert tls.minimum_version == "tls1.2"


def test_client_auth_is_the_word_that_was_written(load_text: Load, with_section: With) -> None:
    tls = "certificate: '{pki}/chain.pem', key: '{pki}/key.pem', clientcas: ['{pki}/ca.pem']"
    text = f"http: {{addr: ':5000', tls: {{{tls}, clientauth: verify-client-cert-if-given, minimumtls: tls1.3}}}}\n"
    settings = load_text(with_section(text))
    assert settings.http.tls is not None
    assert (settings.http.tls.client_auth, settings.http.tls.minimum_version) == (
        "verify-client-cert-if-given",
        "tls1.3",
    )


def test_health_checks_are_read_with_their_defaults(load_text: Load, with_section: With) -> None:
    text = """\
health:
  storagedriver: {enabled: true}
  file: [{file: /run/drain}, {file: /run/stop, interval: 2s}]
  http:
    - {uri: 'https://dtr.example.com/_ping?a=b'}
    - {uri: 'http://a:81', headers: {A: [b]}, statuscode: 204, timeout: 1s, interval: 3s, threshold: 4}
  tcp: [{addr: 'dtr.example.com:443'}, {addr: 'a:1', timeout: 1s, interval: 2s, threshold: 3}]
"""
    health = load_text(with_section(text)).health
    assert (health.storage_interval_s, health.storage_threshold) == (10, 3)
    assert health.files == (FileCheck(Path("/run/drain"), 10), FileCheck(Path("/run/stop"), 2))
    assert health.https == (
        HttpCheck("https://dtr.example.com/_ping?a=b", (), 200, 5, 10, 1),
        HttpCheck("http://a:81", (("A", "b"),), 204, 1, 3, 4),
    )
    assert health.tcps == (TcpCheck("dtr.example.com:443", 5, 10, 1), TcpCheck("a:1", 1, 2, 3))


@pytest.mark.parametrize(("written", "failures"), [(0, 1), (1, 1), (7, 7)])
def test_a_threshold_counts_failures_and_the_first_one_always_does(
    load_text: Load, with_section: With, written: int, failures: int
) -> None:
    tcp = f"{{addr: 'a:1', threshold: {written}}}"
    text = f"health: {{storagedriver: {{enabled: true, threshold: {written}}}, tcp: [{tcp}]}}\n"
    health = load_text(with_section(text)).health
    assert (health.storage_threshold, health.tcps[0].threshold) == (failures, failures)


def test_the_log_and_storage_sections_are_honoured(load_text: Load, with_section: With) -> None:
    log = load_text(
        with_section("log: {level: WARN, formatter: json, fields: {a: b, n: 1}, accesslog: {disabled: yes}}\n")
    ).log
    assert (log.level, log.formatter, log.fields, log.access_log) == ("warn", "json", (("a", "b"), ("n", "1")), False)
    maintenance = "maintenance: {readonly: {enabled: true}, uploadpurging: {enabled: true, age: 168h, interval: 24h}}"
    storage = load_text(with_section(f"storage: {{filesystem: {{rootdirectory: /srv}}, {maintenance}}}\n")).storage
    assert (storage.root, storage.read_only, storage.partial_age_s) == (Path("/srv"), True, 168 * 3600)
    assert not storage.delete_enabled


def test_the_old_loglevel_counts_until_log_level_is_there(load_text: Load, with_section: With) -> None:
    assert load_text(with_section("loglevel: debug\n")).log.level == "debug"
    assert load_text(with_section("loglevel: debug\nlog: {level: error}\n")).log.level == "error"


def test_a_bare_driver_name_stands_for_its_section(load_text: Load, with_section: With) -> None:
    assert load_text(with_section("storage: filesystem\n")).storage.root == Path("/var/lib/registry")


def test_a_disabled_middleware_is_not_there(load_text: Load, with_section: With) -> None:
    text = """\
middleware:
  registry:
    - {name: whatever, disabled: true}
    - {name: downstream, disabled: true, options: {blobttl: broken}}
    - {name: downstream, options: {upstreams: ['https://dtr.example.com']}}
  storage: [{name: redirect, disabled: true}]
"""
    assert load_text(with_section(text)).downstream.upstreams == (Upstream("https", "dtr.example.com", 443),)


def test_anchors_and_merges_work_as_in_any_yaml(load_text: Load, with_section: With) -> None:
    text = """\
health:
  tcp:
    - &check {addr: 'a:1', timeout: 1s, interval: 2s}
    - {<<: *check, addr: 'b:2'}
"""
    assert load_text(with_section(text)).health.tcps == (TcpCheck("a:1", 1, 2, 1), TcpCheck("b:2", 1, 2, 1))


TWO_REGISTRIES = """\
authorization: upstream
verdictttl: 5s
offline: serve
redirecthosts: [blobs.example.com]
realmhosts: [auth.example.com]
registries:
  - {name: hub, upstreams: ['https://hub.example.com']}
  - name: quay
    ns: [Quay.io, 'quay.io:443']
    hosts: [quay.cache.example.com]
    upstreams: ['https://quay.example.com']
    redirecthosts: [cdn.example.com]
    realmhosts: [login.example.com]
    verdictttl: 0s
    offline: refuse
"""


def test_a_registry_has_the_middlewares_rules_or_its_own_and_never_its_hosts(
    load_text: Load, with_options: With
) -> None:
    hub, quay = load_text(with_options(TWO_REGISTRIES)).downstream.every_registry

    assert (hub.name, hub.namespaces, hub.hosts, hub.upstreams) == (
        "hub",
        ("hub",),
        (),
        (Upstream("https", "hub.example.com", 443),),
    )
    assert (hub.redirect_hosts, hub.realm_hosts, hub.verdict_ttl_s, hub.offline_limit_s) == ((), (), 5, 24 * 3600)
    assert (quay.namespaces, quay.hosts) == (("quay.io", "quay.io:443"), ("quay.cache.example.com",))
    assert (quay.redirect_hosts, quay.realm_hosts) == (("cdn.example.com",), ("login.example.com",))
    assert (quay.verdict_ttl_s, quay.offline_limit_s) == (0, None)


def test_the_middlewares_own_upstreams_are_the_registry_without_a_name(load_text: Load, with_options: With) -> None:
    text = "upstreams: ['https://dtr.example.com']\n" + TWO_REGISTRIES

    unnamed, *named = load_text(with_options(text)).downstream.every_registry

    assert (unnamed.name, unnamed.upstreams) == ("", (Upstream("https", "dtr.example.com", 443),))
    assert unnamed.realm_hosts == ("auth.example.com",)
    assert [registry.name for registry in named] == ["hub", "quay"]


def test_variables_set_the_keys_of_a_registry(load_text: Load, with_options: With) -> None:
    name = "REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS_REGISTRIES_1_VERDICTTTL"

    assert load_text(with_options(TWO_REGISTRIES), {name: "7s"}).downstream.registries[1].verdict_ttl_s == 7
