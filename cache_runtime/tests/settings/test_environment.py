"""`REGISTRY_…` variables over the file, as the registry lays them, list indices included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dtr_content_cache.settings.model import Settings, Upstream
from dtr_content_cache.values.failures import ConfigurationRefused

BASE = """\
version: 0.1
storage: {delete: {enabled: true}, filesystem: {rootdirectory: /var/lib/registry}}
http: {addr: ':5000'}
middleware: {registry: [{name: downstream, options: {blobttl: 24h, upstreams: ['https://dtr.example.com']}}]}
"""
Load = Callable[..., Settings]
_OPTIONS = "REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS"


def _names(settings: Settings) -> list[str]:
    return [upstream.host for upstream in settings.downstream.upstreams]


@pytest.mark.parametrize(
    ("environ", "read", "value"),
    [
        ({"REGISTRY_HTTP_ADDR": "0.0.0.0:443"}, lambda s: (s.http.host, s.http.port), ("0.0.0.0", 443)),  # noqa: S104
        ({"REGISTRY_HTTP_ADDR": ":6000"}, lambda s: s.http.port, 6000),
        ({"REGISTRY_HTTP_ADDR": "'[::]:6000'"}, lambda s: s.http.host, "::"),
        ({"REGISTRY_HTTP": "{addr: ':7000', prefix: /x/}"}, lambda s: (s.http.port, s.http.prefix), (7000, "/x/")),
        ({"REGISTRY_LOG_LEVEL": "debug"}, lambda s: s.log.level, "debug"),
        ({"REGISTRY_LOGLEVEL": "warn"}, lambda s: s.log.level, "warn"),
        ({"REGISTRY_LOG_FIELDS_REGION": "asia"}, lambda s: s.log.fields, (("region", "asia"),)),
        ({"REGISTRY_LOG_ACCESSLOG_DISABLED": "true"}, lambda s: s.log.access_log, False),
        ({"REGISTRY_HTTP_HEADERS_VIA": "[me]"}, lambda s: s.http.headers, (("via", "me"),)),
        ({"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/srv"}, lambda s: s.storage.root, Path("/srv")),
        ({"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/a_b"}, lambda s: s.storage.root, Path("/a_b")),
        ({"REGISTRY_STORAGE": "filesystem", f"{_OPTIONS}_BLOBTTL": ""}, lambda s: s.storage.delete_enabled, False),
        ({"REGISTRY_STORAGE": "filesystem", "REGISTRY_STORAGE_DELETE_ENABLED": "true"},
         lambda s: (s.storage.root, s.storage.delete_enabled), (Path("/var/lib/registry"), True)),
        ({f"{_OPTIONS}_BLOBTTL": "1h"}, lambda s: s.downstream.blob_ttl_s, 3600),
        ({f"{_OPTIONS}_BLOBTTL": ""}, lambda s: s.downstream.blob_ttl_s, None),
        ({f"{_OPTIONS}_MAXFILLS": "7"}, lambda s: s.downstream.max_fills, 7),
        ({f"{_OPTIONS}_UPSTREAMS_0": "https://a"}, _names, ["a"]),
        ({f"{_OPTIONS}_UPSTREAMS_1": "https://a"}, _names, ["dtr.example.com", "a"]),
        ({f"{_OPTIONS}_UPSTREAMS": "[https://a, https://b]"}, _names, ["a", "b"]),
        ({f"{_OPTIONS}_UPSTREAMS": "[https://a]", f"{_OPTIONS}_UPSTREAMS_1": "https://b"}, _names, ["a", "b"]),
        ({f"{_OPTIONS}_UPSTREAMS_{n}": f"https://a{n}" for n in range(12)}, _names, [f"a{n}" for n in range(12)]),
        ({f"{_OPTIONS}_UPSTREAMS_0_ORIGINHOST": "https://b", f"{_OPTIONS}_UPSTREAMS_0_UPSTREAMHOSTS_0": "https://a",
          f"{_OPTIONS}_UPSTREAMS_0": "{}"}, _names, ["a", "b"]),
        ({f"{_OPTIONS}_CAS_0": "{pki}/ca.pem"}, lambda s: len(s.downstream.cas), 1),
        ({"REGISTRY_HEALTH_STORAGEDRIVER_ENABLED": "true"}, lambda s: s.health.storage_interval_s, 10),
        ({"REGISTRY_HEALTH_TCP_0_ADDR": "a:1"}, lambda s: s.health.tcps[0].address, "a:1"),
        ({"REGISTRY_CONFIGURATION_PATH": "/config.yml"}, lambda s: s.warnings, ()),
        ({"REGISTRYHTTP_ADDR": ":1", "registry_http_addr": ":1", "PATH": "/bin"}, lambda s: s.http.port, 5000),
    ],
)  # fmt: skip
def test_a_variable_overrides_the_file(
    load_text: Load, pki: Path, environ: dict[str, str], read: Callable[[Settings], object], value: object
) -> None:
    settings = load_text(BASE, {name: text.replace("{pki}", str(pki)) for name, text in environ.items()})
    assert read(settings) == value
    assert settings.warnings == ()


def test_everything_but_the_version_may_come_from_variables(load_text: Load) -> None:
    settings = load_text(
        "version: 0.1\n",
        {
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/srv",
            "REGISTRY_HTTP_ADDR": ":5000",
            "REGISTRY_MIDDLEWARE_REGISTRY_0_NAME": "downstream",
            f"{_OPTIONS}_UPSTREAMS_0": "https://dtr.example.com",
        },
    )
    assert settings.downstream.upstreams == (Upstream("https", "dtr.example.com", 443),)


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"REGISTRY_HTTP_ADDR": "5000"}, "REGISTRY_HTTP_ADDR: http.addr: found 5000, which lacks the colon before the "
                                         "port, wanted :5000"),
        ({"REGISTRY_HTTP_ADDR": "[::]:5000"}, "REGISTRY_HTTP_ADDR: http.addr: found a value that is not YAML (expected "
                                              "the node content, but found ':'), wanted YAML; quotes often help"),
        ({"REGISTRY_HTTP_TLS_KEY": "@topsecret"}, "REGISTRY_HTTP_TLS_KEY: http.tls.key: found a value that is not YAML "
                                                  "(character '@' that cannot start any token), wanted YAML; quotes "
                                                  "often help"),
        ({"REGISTRY_HTTP_DRAINTIMEOUT": "\udcff"}, "REGISTRY_HTTP_DRAINTIMEOUT: http.draintimeout: found a value that "
                                                   "is not YAML (a control character or broken text, as in a binary "
                                                   "file), wanted YAML; quotes often help"),
        ({"REGISTRY_STORAGE_DELETE_ENABLED": "'true'"}, "REGISTRY_STORAGE_DELETE_ENABLED: storage.delete.enabled: "
                                                        "found 'true', wanted true or false without quotes"),
        ({"REGISTRY_STORAGE_S3_SECRETKEY": "topsecret"}, "REGISTRY_STORAGE_S3_SECRETKEY: storage.s3: found one, wanted "
                                                         "filesystem alone: this build stores on a file system only (a "
                                                         "mounted volume, NFS included)"),
        ({"REGISTRY_AUTH": "silly"}, "REGISTRY_AUTH: auth.silly: found one, wanted no auth section: DTR's grants, or "
                                     "the upstream itself, say what users may read"),
        ({"REGISTRY_PROXY_REMOTEURL": "https://topsecret@a"}, "REGISTRY_PROXY_REMOTEURL: proxy.remoteurl: found one, "
                                                              "wanted no proxy: name the upstream in the downstream "
                                                              "middleware's upstreams"),
        ({"REGISTRY_MIDDLEWARE_REGISTRY_0_NAME": "proxy"}, "REGISTRY_MIDDLEWARE_REGISTRY_0_NAME: "
                                                           "middleware.registry[0].name: found 'proxy', wanted "
                                                           "downstream, the only middleware that this cache has"),
        ({"REGISTRY_MIDDLEWARE_REGISTRY_X_NAME": "a"}, "REGISTRY_MIDDLEWARE_REGISTRY_X_NAME: middleware.registry: "
                                                       "found the list index 'x', wanted a number from 0 to 1"),
        ({f"{_OPTIONS}_UPSTREAMS_3": "https://a"},
         f"{_OPTIONS}_UPSTREAMS_3: middleware.registry[0].options.upstreams: found the list index '3', wanted a number "
         "from 0 to 1"),
        ({f"{_OPTIONS}_BLOBTTL": "a day"},
         f"{_OPTIONS}_BLOBTTL: middleware.registry[0].options.blobttl: found 'a day', wanted a duration such as 24h, "
         "90m or 1h30m (units ns, us, ms, s, m, h; a bare integer is nanoseconds)"),
        ({"REGISTRY_HTTP": "{addr: ':1', addr: ':2'}"}, "REGISTRY_HTTP: http.addr: found it a second time, wanted each "
                                                        "key once"),
        ({"REGISTRY_VERSION": "0.2"}, "REGISTRY_VERSION: version: found 0.2, wanted 0.1"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_variable(load_text: Load, environ: dict[str, str], line: str) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        load_text(BASE, environ)
    assert refused.value.mistakes == (line,)


@pytest.mark.parametrize(
    ("environ", "warning"),
    [
        ({"REGISTRY_PORT": "tcp://10.0.0.1:5000", "REGISTRY_PORT_5000_TCP": "tcp://10.0.0.1:5000"},
         "this variable names no key of the configuration format and is ignored."),
        ({"REGISTRY_HTTP_ADR": ":5000"},
         "this variable names no key of the configuration format and is ignored; the nearest known key is addr."),
        ({"REGISTRY_STORAGE_PORT_80_TCP": "tcp://10.0.0.1:80"},
         "this variable names no key of the configuration format and is ignored."),
        ({"REGISTRY_": "1"}, "this variable names no key of the configuration format and is ignored."),
        ({"REGISTRY__X": "1"}, "this variable names no key of the configuration format and is ignored."),
        ({"REGISTRY_HTTP_ADDR_X": "1"},
         "this variable names a key below http.addr, which is a single value, and is ignored."),
        ({f"{_OPTIONS}_FOO": "topsecret"},
         "middleware.registry[0].options.foo is not a key of this format and is ignored."),
        ({"REGISTRY_REDIS_PASSWORD": "topsecret"}, "redis is ignored: this cache keeps nothing in Redis."),
    ],
)  # fmt: skip
def test_a_variable_without_effect_is_named_in_a_warning(
    load_text: Load, environ: dict[str, str], warning: str
) -> None:
    assert load_text(BASE, environ).warnings == tuple(f"{name}: {warning}" for name in environ)
