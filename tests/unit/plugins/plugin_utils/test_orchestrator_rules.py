# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What an orchestrator cannot honour is refused, never dropped in silence."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.plugin_utils.orchestrator_rules import orchestrator_mistakes

SWARM = {"cache_host_engine": "swarm", "cache_host_name": "dtr-cache", "cache_host_swarm_replicas": 3}
CLUSTER = {"cache_host_engine": "kubernetes", "cache_host_name": "dtr-cache", "cache_host_storage": "dtr-cache-data"}
INGRESS = {"cache_host_kubernetes_ingress_class": "nginx", "cache_host_tls_certificate": "cache.pem"}


def said(options, **more):
    return list(orchestrator_mistakes(options | {f"cache_host_{name}": value for name, value in more.items()}))


@pytest.mark.parametrize("options", [
    SWARM,
    CLUSTER,
    SWARM | {"cache_host_debug_port": 5001, "cache_host_debug_address": "0.0.0.0"},  # noqa: S104
    CLUSTER | {"cache_host_kubernetes_replicas": 2, "cache_host_kubernetes_shared_storage": True},
    CLUSTER | {"cache_host_kubernetes_service_type": "NodePort", "cache_host_port": 30500},
    CLUSTER | INGRESS | {"cache_host_public_url": "https://cache.example.com"},
    {"cache_host_engine": "docker", "cache_host_name": "a.b", "cache_host_listen_address": "127.0.0.1"},
    {"cache_host_engine": "process", "cache_host_name": "a_b"},
])
def test_what_an_engine_can_do_is_no_mistake(options):
    assert said(options) == []


@pytest.mark.parametrize("engine", [SWARM, CLUSTER])
@pytest.mark.parametrize(("options", "sentence"), [
    ({"name": "dtr_cache"}, "cache_host_name: found 'dtr_cache', wanted at most 36 lower case letters, digits and '-'"),
    ({"name": "a" * 37}, "wanted at most 36"),
    ({"listen_address": "10.0.0.1"}, "cache_host_listen_address: found '10.0.0.1', wanted it empty"),
    ({"swarm_replicas": 0, "kubernetes_replicas": 0}, "_replicas: found 0, wanted at least 1"),
])
def test_neither_orchestrator_can_do(engine, options, sentence):
    assert [one for one in said(engine, **options) if sentence in one]


def test_a_swarm_does_not_publish_the_debug_port_unless_that_is_said():
    sentence, = said(SWARM, debug_port=5001, debug_address="127.0.0.1")
    assert "every address of a node" in sentence


@pytest.mark.parametrize(("options", "sentence"), [
    ({"storage": "/srv/blobs"}, "cache_host_storage: found '/srv/blobs', wanted the name of a PersistentVolumeClaim"),
    ({"image_source": "load"}, "cache_host_image_source: found load, wanted pull or present"),
    ({"container_networks": ["x"]}, "cache_host_container_networks: wanted none"),
    ({"kubernetes_storage_size": "100 GB"}, "cache_host_kubernetes_storage_size: found '100 GB', wanted a quantity"),
    ({"container_memory": "much"}, "cache_host_container_memory: found 'much', wanted a size"),
    ({"kubernetes_replicas": 2}, "cache_host_kubernetes_replicas: found 2, but the volume can be mounted on one node"),
    ({"kubernetes_service_type": "NodePort", "port": 5000}, "wanted a port between 30000 and 32767"),
])
def test_a_cluster_cannot_do(options, sentence):
    assert sentence in " ".join(said(CLUSTER, **options))


@pytest.mark.parametrize("url", ["http://cache.example.com", "https://cache.example.com:5000", "https://10.0.0.1", ""])
def test_an_ingress_needs_a_name_and_the_usual_port(url):
    sentence = said(CLUSTER | INGRESS, public_url=url)[0]
    assert f"cache_host_public_url: found '{url}', wanted https://NAME, port 443" in sentence


def test_an_ingress_that_passes_tls_through_needs_the_caches_own_certificate():
    sentence, = said(CLUSTER | INGRESS, public_url="https://cache.example.com", tls_certificate="")
    assert sentence.startswith("cache_host_tls_certificate: found nothing")
