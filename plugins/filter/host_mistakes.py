# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What is wrong with the options of the role cache_host, as sentences; pure but for looking whether files exist.

Owns the rules that can be judged on the controller. What only the cache can judge (its whole configuration, whether
a key fits its certificate) is left to its own --check. Rule for editors: a sentence names the option, what was found
and what is wanted, and never repeats the value of a secret."""

from __future__ import annotations

DOCUMENTATION = r"""
name: host_mistakes
short_description: What is wrong with the options of the role cache_host
version_added: 0.1.0
description:
  - Judges the options of the role P(dtr.caches.cache_host#role) on the controller, all of them at once.
options:
  _input:
    description: The role's options, name to value; names that the role does not know are mistakes too.
    type: dict
    required: true
  known:
    description: Names of the options that the role has.
    type: list
    elements: str
    required: true
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Stop before anything changes
  ansible.builtin.assert:
    that: options | dtr.caches.host_mistakes(options | list) == []
  vars:
    options:
      cache_host_engine: docker
      cache_host_name: dtr-cache
      cache_host_upstreams: ["https://dtr.example.com"]
"""

RETURN = r"""
_value:
  description: One sentence for each mistake; empty when there is none.
  type: list
  elements: str
"""

import difflib
import importlib.util
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from ansible.errors import AnsibleFilterError
from ansible_collections.dtr.caches.plugins.plugin_utils.listen_port import listen_port, public_port
from ansible_collections.dtr.caches.plugins.plugin_utils.orchestrator_rules import orchestrator_mistakes

_ORIGIN = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?")
_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+|[1-9][0-9]*")
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)? ?([KMGTP]i?B|B)?")
_PERCENT_OR_SIZE = re.compile(r"[0-9]+(\.[0-9]+)?%|" + _SIZE.pattern)
_PEM = "-----BEGIN "

_PATTERNS = {
    "cache_host_name": (re.compile(r"[a-z0-9][a-z0-9._-]*"), "lower case letters, digits, '.', '_' and '-'"),
    "cache_host_directory": (re.compile(r"/[^/].*"), "an absolute path on the host"),
    "cache_host_public_url": (_ORIGIN, "http(s)://host[:port] without a path"),
    "cache_host_container_user": (re.compile(r"[0-9]+:[0-9]+"), "numbers uid:gid, for example 10001:10001"),
    "cache_host_min_free": (_PERCENT_OR_SIZE, "a share or a size, for example 5% or 20GB"),
    "cache_host_max_size": (_SIZE, "a size such as 200GB or 1TiB"),
    "cache_host_max_fill_rate": (_SIZE, "a size per second, for example 10MB"),
}
_PATTERNS |= {
    f"cache_host_{name}": (_DURATION, "a duration with its unit, for example 24h, 90m or 30s")
    for name in ("blob_ttl", "clock_skew", "verdict_ttl", "stall_timeout", "drain_timeout", "swarm_monitor",
                 "offline_limit")
}
_FILES = ("cache_host_tls_certificate", "cache_host_tls_key", "cache_host_probe_ca")


def host_mistakes(options: Mapping, known: Iterable[str]) -> list[str]:
    """Every mistake in `options`, a sentence each."""
    if not isinstance(options, Mapping):
        raise AnsibleFilterError(f"host_mistakes: found {type(options).__name__}, wanted the role's options by name.")
    rules: tuple[Callable[[Mapping], Iterator[str]], ...] = (
        _shapes, _upstreams, _ports, _public_port, _storage, _tls, _files, _image, _environment, _probe,
        _kubernetes_core, orchestrator_mistakes)
    return [*_unknown(options, list(known)), *(sentence for rule in rules for sentence in rule(options))]


def _unknown(options: Mapping, known: list[str]) -> Iterator[str]:
    for name in sorted(set(options) - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; meta/argument_specs.yml of the role lists them."
        yield f"{name}: there is no such option{hint}"


def _shapes(options: Mapping) -> Iterator[str]:
    for name, (pattern, wanted) in _PATTERNS.items():
        value = options.get(name, "")
        if value not in ("", None) and not pattern.fullmatch(str(value)):
            yield f"{name}: found '{value}', wanted {wanted}."


def _upstreams(options: Mapping) -> Iterator[str]:
    upstreams, registries = options.get("cache_host_upstreams") or [], options.get("cache_host_registries") or []
    if not upstreams and not registries:
        yield "cache_host_upstreams: found nothing, wanted at least the address of DTR, such as https://dtr.example.com."
    for upstream in upstreams:
        if not _ORIGIN.fullmatch(str(upstream)):
            yield f"cache_host_upstreams: found '{upstream}', wanted http(s)://host[:port] without a path."
    if registries and options.get("cache_host_authorization") != "upstream":
        yield (
            "cache_host_registries: found registries, but cache_host_authorization is not upstream; wanted it, because "
            "no other registry has DTR's grants."
        )


def _ports(options: Mapping) -> Iterator[str]:
    port, debug = listen_port(options), int(options.get("cache_host_debug_port", 0))
    if not 0 < port < 65536:
        yield f"cache_host_port: found {port}, wanted a port between 1 and 65535."
    if not 0 <= debug < 65536 or 0 < debug == port:
        yield (
            f"cache_host_debug_port: found {debug}, wanted 0 (off) or a port between 1 and 65535 other than "
            f"cache_host_port ({port})."
        )


def _public_port(options: Mapping) -> Iterator[str]:
    url, port = str(options.get("cache_host_public_url") or ""), listen_port(options)
    if not _ORIGIN.fullmatch(url) or _true(options.get("cache_host_behind_proxy")):
        return
    public = public_port(url)
    if not public:
        yield f"cache_host_public_url: found '{url}', wanted a port between 1 and 65535."
    elif public != port:
        yield (
            f"cache_host_port: found {port}, but clients are sent to port {public} of {url}; wanted the same port, or "
            "cache_host_behind_proxy if a proxy or load balancer stands there."
        )


def _storage(options: Mapping) -> Iterator[str]:
    storage, engine = str(options.get("cache_host_storage", "")), options.get("cache_host_engine", "docker")
    if engine == "kubernetes":
        return
    in_docker = engine in ("docker", "swarm")
    volume = in_docker and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]+", storage)
    if storage and not volume and not re.fullmatch(r"/[^/].*", storage):
        also = " or the name of a Docker volume" if in_docker else ""
        yield f"cache_host_storage: found '{storage}', wanted an absolute path on the host{also}."


def _tls(options: Mapping) -> Iterator[str]:
    url = str(options.get("cache_host_public_url") or "")
    certificate, key = bool(options.get("cache_host_tls_certificate")), bool(options.get("cache_host_tls_key"))
    offloaded = _true(options.get("cache_host_behind_proxy"))
    if certificate != key:
        missing, there = ("key", "certificate") if certificate else ("certificate", "key")
        yield f"cache_host_tls_{missing}: found nothing, wanted the {missing} that belongs to cache_host_tls_{there}."
    elif url.startswith("https:") and not certificate and not offloaded:
        yield (
            f"cache_host_public_url: found {url} but no certificate; set cache_host_tls_certificate and "
            "cache_host_tls_key, or cache_host_behind_proxy if a proxy in front of the cache speaks TLS."
        )
    elif url.startswith("http:") and certificate:
        yield f"cache_host_public_url: found {url} and a certificate; wanted an https:// address, or no certificate."


def _files(options: Mapping) -> Iterator[str]:
    named = [(name, options.get(name)) for name in _FILES]
    named += [(f"cache_host_cas[{index}]", value) for index, value in enumerate(options.get("cache_host_cas") or [])]
    for index, registry in enumerate(options.get("cache_host_registries") or []):
        cas = enumerate(registry.get("cas") or [])
        named += [(f"cache_host_registries[{index}].cas[{number}]", value) for number, value in cas]
    for name, value in named:
        if not value or str(value).lstrip().startswith(_PEM):
            continue
        path = str(value)
        if "\n" in path:
            yield f"{name}: found text that is no PEM, wanted PEM text or the path of a file on the controller."
        elif not os.path.isfile(path) or not os.access(path, os.R_OK):
            yield f"{name}: found '{path}', which is no readable file on the controller; wanted its path, or PEM text."


def _image(options: Mapping) -> Iterator[str]:
    if options.get("cache_host_engine", "docker") not in ("docker", "swarm"):
        return
    source, archive = options.get("cache_host_image_source"), str(options.get("cache_host_image_archive") or "")
    if source == "load" and not os.path.isfile(archive):
        yield (
            f"cache_host_image_archive: found '{archive}', which is no file on the controller; cache_host_image_source "
            "is load, so wanted what docker save wrote."
        )


def _environment(options: Mapping) -> Iterator[str]:
    for name in options.get("cache_host_environment") or {}:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(name)):
            yield f"cache_host_environment: found the name '{name}', wanted letters, digits and '_', as in HTTPS_PROXY."


def _probe(options: Mapping) -> Iterator[str]:
    if _true(options.get("cache_host_probe_from_controller")) and not options.get("cache_host_public_url"):
        yield (
            "cache_host_probe_from_controller: found true but no cache_host_public_url; wanted the address that the "
            "controller shall ask."
        )


def _kubernetes_core(options: Mapping) -> Iterator[str]:
    if options.get("cache_host_engine") != "kubernetes" or not _true(options.get("cache_host_kubernetes_apply", True)):
        return
    if not _installed("ansible_collections.kubernetes.core"):
        yield (
            "cache_host_kubernetes_apply: found true, but the collection kubernetes.core is not installed on the "
            "controller; install it, or set false to only write the manifests."
        )


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # not even what it would be a part of
        return False


def _true(value: object) -> bool:
    """A switch, also as the text that -e name=value makes of it."""
    return str(value).lower() in ("true", "yes", "on", "1")


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"host_mistakes": host_mistakes}
