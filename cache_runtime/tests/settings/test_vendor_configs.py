"""Every configuration that the vendor's pages, the field and Debian's registry package show, as they show it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dtr_content_cache.settings.model import Settings, Upstream
from dtr_content_cache.values.failures import ConfigurationRefused

DTR = Upstream("https", "dtr.example.com", 443)

SIMPLE = """\
version: 0.1
storage:
  delete:
    enabled: true
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
middleware:
  registry:
      - name: downstream
        options:
          blobttl: 24h
          upstreams:
            - https://dtr.example.com
          cas:
            - {pki}/ca.pem
"""

TLS = SIMPLE.replace(
    "  addr: :5000\n",
    """\
  addr: :5000
  tls:
    certificate: {pki}/chain.pem
    key: {pki}/key.pem
""",
)

CHAINED = TLS.replace("https://dtr.example.com", "https://asia-cache.example.com:5000")

SWARM_AND_KUBERNETES = """\
version: 0.1
log:
  level: info
storage:
  delete:
    enabled: true
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: 0.0.0.0:443
  secret: generate-random-secret
  host: https://cache.example.com
  tls:
    certificate: {pki}/chain.pem
    key: {pki}/key.pem
middleware:
  registry:
      - name: downstream
        options:
          blobttl: 24h
          upstreams:
            - https://dtr.example.com:4443
          cas:
            - {pki}/ca.pem
"""

DTR_2_2_CHAINED = SIMPLE.replace(
    "            - https://dtr.example.com\n",
    """\
            - originhost: https://dtr.example.com
              upstreamhosts:
                - https://asia-cache-1.example.com
                - https://asia-cache-2.example.com
""",
)

DEBIAN_REGISTRY = """\
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/docker-registry
  delete:
    enabled: true
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
auth:
  htpasswd:
    realm: basic-realm
    path: /etc/docker/registry
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
"""

Load = Callable[..., Settings]


def test_the_simple_configuration_means_what_its_page_says(load_text: Load, pki: Path) -> None:
    settings = load_text(SIMPLE)
    assert settings.storage.root == Path("/var/lib/registry")
    assert settings.storage.delete_enabled
    assert (settings.http.network, settings.http.host, settings.http.port, settings.http.tls) == ("tcp", "", 5000, None)
    assert settings.downstream.blob_ttl_s == 24 * 3600
    assert settings.downstream.upstreams == (DTR,)
    assert settings.downstream.cas == (pki / "ca.pem",)
    assert settings.warnings == ()


def test_what_a_simple_configuration_leaves_out_has_these_defaults(load_text: Load) -> None:
    settings = load_text(SIMPLE)
    assert (settings.log.level, settings.log.formatter, settings.log.fields) == ("info", "text", ())
    assert settings.log.access_log
    assert (settings.storage.read_only, settings.storage.partial_age_s) == (False, 24 * 3600)
    assert (settings.http.prefix, settings.http.external_url, settings.http.headers) == ("/", "", ())
    assert (settings.http.drain_timeout_s, settings.debug) == (30, None)
    assert settings.health.storage_interval_s is None
    assert (settings.health.files, settings.health.https, settings.health.tcps) == ((), (), ())
    downstream = settings.downstream
    assert (downstream.authorization, downstream.max_size_bytes) == ("grant", None)
    assert (downstream.min_free_fraction, downstream.min_free_bytes) == (0.05, None)
    assert (downstream.clock_skew_s, downstream.verdict_ttl_s, downstream.stall_timeout_s) == (30, 60, 30)
    assert (downstream.redirect_hosts, downstream.realm_hosts) == ((), ())
    assert (downstream.max_fills, downstream.max_fill_bytes_per_s) == (32, None)


def test_the_tls_configuration_serves_its_certificate(load_text: Load, pki: Path) -> None:
    settings = load_text(TLS)
    assert settings.http.tls is not None
    assert (settings.http.tls.certificate, settings.http.tls.key) == (pki / "chain.pem", pki / "key.pem")
    assert (settings.http.tls.client_cas, settings.http.tls.client_auth) == ((), "none")
    assert (settings.http.tls.minimum_version, settings.http.tls.ciphers) == ("tls1.2", ())
    assert settings.warnings == ()


def test_a_chained_cache_has_its_parent_as_upstream(load_text: Load) -> None:
    upstreams = load_text(CHAINED).downstream.upstreams
    assert upstreams == (Upstream("https", "asia-cache.example.com", 5000),)
    assert upstreams[0].url == "https://asia-cache.example.com:5000"


def test_the_swarm_and_kubernetes_configuration_passes_in_silence(load_text: Load) -> None:
    settings = load_text(SWARM_AND_KUBERNETES)
    assert (settings.http.host, settings.http.port) == ("0.0.0.0", 443)  # noqa: S104
    assert settings.http.external_url == "https://cache.example.com"
    assert settings.downstream.upstreams == (Upstream("https", "dtr.example.com", 4443),)
    assert settings.warnings == ()


def test_the_form_of_dtr_2_2_lists_caches_first_and_the_origin_last(load_text: Load) -> None:
    settings = load_text(DTR_2_2_CHAINED)
    assert settings.downstream.upstreams == (
        Upstream("https", "asia-cache-1.example.com", 443, authoritative=False),
        Upstream("https", "asia-cache-2.example.com", 443, authoritative=False),
        DTR,
    )
    assert settings.warnings == ()


def test_the_form_of_dtr_2_2_needs_no_caches(load_text: Load) -> None:
    text = SIMPLE.replace("- https://dtr.example.com\n", "- originhost: https://dtr.example.com\n")
    assert load_text(text).downstream.upstreams == (DTR,)


def test_the_registry_configuration_of_debian_is_refused_for_its_two_reasons_only(load_text: Load) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        load_text(DEBIAN_REGISTRY)
    assert refused.value.mistakes == (
        "config.yml: middleware.registry: found no downstream middleware, wanted one, whose options.upstreams name DTR "
        "or a parent cache",
        "config.yml:17: auth.htpasswd: found one, wanted no auth section: DTR's grants, or the upstream itself, say "
        "what users may read",
    )


def test_the_rest_of_the_registry_configuration_of_debian_is_honoured(load_text: Load) -> None:
    kept = DEBIAN_REGISTRY.replace("auth:\n  htpasswd:\n    realm: basic-realm\n    path: /etc/docker/registry\n", "")
    middleware = "middleware: {registry: [{name: downstream, options: {upstreams: ['https://dtr.example.com']}}]}\n"
    settings = load_text(kept + middleware)
    assert settings.log.fields == (("service", "registry"),)
    assert settings.http.headers == (("X-Content-Type-Options", "nosniff"),)
    assert (settings.health.storage_interval_s, settings.health.storage_threshold) == (10, 3)
    assert settings.warnings == ()
