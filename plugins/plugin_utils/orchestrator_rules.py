# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What an orchestrator cannot do with the options of the role cache_host, as sentences. Pure.

Owns the rules of the engines swarm and kubernetes; those of every engine are the filter host_mistakes' own. Rule for
editors: an option that an engine cannot honour is refused here, never dropped in silence."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from ansible_collections.dtr.caches.plugins.plugin_utils.listen_port import listen_port

LONGEST_NAME = 36  # with the file's name and the hash behind it, an object's name still has room for 63 characters
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_QUANTITY = re.compile(r"[1-9][0-9]*(\.[0-9]+)?([KMGTP]i?)?")
_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)?([bkmg]b?)?", re.IGNORECASE)
_NODE_PORTS = range(30000, 32768)


def orchestrator_mistakes(options: Mapping) -> Iterator[str]:
    """A sentence for each option that the chosen engine cannot honour; none for engines without an orchestrator."""
    engine = options.get("cache_host_engine")
    if engine in ("swarm", "kubernetes"):
        yield from _anywhere(options, str(engine))
    if engine == "swarm":
        yield from _swarm(options)
    if engine == "kubernetes":
        yield from _kubernetes(options)


def _anywhere(options: Mapping, engine: str) -> Iterator[str]:
    name = str(options.get("cache_host_name") or "")
    if not _LABEL.fullmatch(name) or len(name) > LONGEST_NAME:
        yield (
            f"cache_host_name: found '{name}', wanted at most {LONGEST_NAME} lower case letters, digits and '-' with "
            f"cache_host_engine {engine}."
        )
    address = options.get("cache_host_listen_address")
    if address:
        yield (
            f"cache_host_listen_address: found '{address}', wanted it empty with cache_host_engine {engine}, which "
            "cannot choose one address of a node."
        )
    replicas = int(options.get(f"cache_host_{engine}_replicas", 1))
    if replicas < 1:
        yield f"cache_host_{engine}_replicas: found {replicas}, wanted at least 1 (retire-caches.yml removes a cache)."


def _swarm(options: Mapping) -> Iterator[str]:
    debug, address = int(options.get("cache_host_debug_port", 0)), options.get("cache_host_debug_address")
    if debug and address != "0.0.0.0":  # noqa: S104 # the operator has to say that this is meant
        yield (
            f"cache_host_debug_address: found '{address}', but a swarm publishes a port on every address of a node; "
            "wanted 0.0.0.0 if that is meant, or cache_host_debug_port 0."
        )


def _kubernetes(options: Mapping) -> Iterator[str]:
    storage = str(options.get("cache_host_storage") or "")
    if not _LABEL.fullmatch(storage) or len(storage) > 63:
        yield (
            f"cache_host_storage: found '{storage}', wanted the name of a PersistentVolumeClaim (lower case letters, "
            "digits and '-') with cache_host_engine kubernetes."
        )
    if options.get("cache_host_image_source") == "load":
        yield "cache_host_image_source: found load, wanted pull or present with cache_host_engine kubernetes."
    if options.get("cache_host_container_networks"):
        yield "cache_host_container_networks: wanted none with cache_host_engine kubernetes; a pod has its cluster's."
    yield from _kubernetes_sizes(options)
    yield from _kubernetes_replicas(options)
    yield from _kubernetes_service(options)
    yield from _kubernetes_ingress(options)


def _kubernetes_sizes(options: Mapping) -> Iterator[str]:
    size = str(options.get("cache_host_kubernetes_storage_size", "1Gi"))
    if not _QUANTITY.fullmatch(size):
        yield f"cache_host_kubernetes_storage_size: found '{size}', wanted a quantity such as 100Gi."
    memory = str(options.get("cache_host_container_memory", "0"))
    if not _MEMORY.fullmatch(memory):
        yield f"cache_host_container_memory: found '{memory}', wanted a size such as 512m or 1g, or 0 for no limit."


def _kubernetes_replicas(options: Mapping) -> Iterator[str]:
    replicas = int(options.get("cache_host_kubernetes_replicas", 1))
    if replicas > 1 and not _true(options.get("cache_host_kubernetes_shared_storage")):
        yield (
            f"cache_host_kubernetes_replicas: found {replicas}, but the volume can be mounted on one node only; wanted "
            "1, or cache_host_kubernetes_shared_storage with a storage class that offers ReadWriteMany."
        )


def _kubernetes_service(options: Mapping) -> Iterator[str]:
    port = listen_port(options)
    if options.get("cache_host_kubernetes_service_type") == "NodePort" and port not in _NODE_PORTS:
        yield (
            f"cache_host_port: found {port}, wanted a port between {_NODE_PORTS[0]} and {_NODE_PORTS[-1]} with "
            "cache_host_kubernetes_service_type NodePort."
        )


def _kubernetes_ingress(options: Mapping) -> Iterator[str]:
    if not options.get("cache_host_kubernetes_ingress_class"):
        return
    url = str(options.get("cache_host_public_url") or "")
    name, port = urlsplit(url).hostname or "", urlsplit(url).port or 443
    if not url.startswith("https:") or port != 443 or _is_address(name):
        yield (
            f"cache_host_public_url: found '{url}', wanted https://NAME, port 443, for "
            "cache_host_kubernetes_ingress_class: an Ingress tells caches apart by the name in the TLS greeting."
        )
    if not options.get("cache_host_tls_certificate"):
        yield (
            "cache_host_tls_certificate: found nothing, wanted the cache's own certificate for "
            "cache_host_kubernetes_ingress_class, because TLS is passed through to the cache."
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "yes", "on", "1")
