# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What is wrong with a host's options, in words."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.dtr.caches.plugins.filter.host_mistakes import host_mistakes

GOOD = {
    "cache_host_engine": "docker",
    "cache_host_name": "dtr-cache",
    "cache_host_directory": "/etc/dtr-cache",
    "cache_host_storage": "dtr-cache-data",
    "cache_host_upstreams": ["https://dtr.example.com"],
    "cache_host_port": 5000,
    "cache_host_debug_port": 0,
}
KNOWN = [
    *GOOD, "cache_host_cas", "cache_host_public_url", "cache_host_blob_ttl", "cache_host_tls_certificate",
    "cache_host_tls_key", "cache_host_behind_proxy", "cache_host_image_source", "cache_host_image_archive",
    "cache_host_probe_from_controller", "cache_host_max_size", "cache_host_min_free", "cache_host_container_user",
    "cache_host_environment",
]
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\ncanary-of-a-key\n-----END PRIVATE KEY-----\n"


def said(**options):
    """The sentences about the good options with these laid over them."""
    return host_mistakes(GOOD | options, KNOWN)


def test_good_options_have_no_mistakes():
    assert said() == []
    url, tls = "https://cache.example.com:5000", {"cache_host_tls_certificate": PEM, "cache_host_tls_key": KEY}
    assert said(cache_host_public_url=url, cache_host_blob_ttl="1h30m", cache_host_min_free="5%", **tls) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"cache_host_upstream": []},
         "cache_host_upstream: there is no such option; did you mean cache_host_upstreams?"),
        ({"cache_host_upstreams": []},
         "cache_host_upstreams: found nothing, wanted at least the address of DTR, such as"),
        ({"cache_host_upstreams": ["dtr:443"]}, "cache_host_upstreams: found 'dtr:443', wanted http(s)://host[:port]"),
        ({"cache_host_name": "My Cache"}, "cache_host_name: found 'My Cache', wanted lower case letters, digits"),
        ({"cache_host_directory": "etc"}, "cache_host_directory: found 'etc', wanted an absolute path on the host."),
        ({"cache_host_environment": {"https proxy": "http://p:3128"}},
         "cache_host_environment: found the name 'https proxy', wanted letters, digits and '_', as in HTTPS_PROXY."),
        ({"cache_host_port": 70000}, "cache_host_port: found 70000, wanted a port between 1 and 65535."),
        ({"cache_host_port": 0, "cache_host_public_url": "http://c.example.com:99999"},
         "cache_host_public_url: found 'http://c.example.com:99999', wanted a port between 1 and 65535."),
        ({"cache_host_debug_port": 5000}, "cache_host_debug_port: found 5000, wanted 0 (off) or a port"),
        ({"cache_host_storage": "./data"},
         "cache_host_storage: found './data', wanted an absolute path on the host or"),
        ({"cache_host_engine": "process", "cache_host_storage": "data"},
         "cache_host_storage: found 'data', wanted an absolute path on the host."),
        ({"cache_host_blob_ttl": "a day"}, "cache_host_blob_ttl: found 'a day', wanted a duration with its unit"),
        ({"cache_host_max_size": "200 gigs"}, "cache_host_max_size: found '200 gigs', wanted a size such as 200GB"),
        ({"cache_host_min_free": "much"}, "cache_host_min_free: found 'much', wanted a share or a size"),
        ({"cache_host_container_user": "cache"}, "cache_host_container_user: found 'cache', wanted numbers uid:gid"),
        ({"cache_host_tls_certificate": PEM}, "cache_host_tls_key: found nothing, wanted the key that belongs to"),
        ({"cache_host_public_url": "https://c.example.com:5000"},
         "cache_host_public_url: found https://c.example.com:5000 but no certificate; set cache_host_tls_certificate"),
        ({"cache_host_public_url": "http://c.example.com:5000", "cache_host_tls_certificate": PEM,
          "cache_host_tls_key": KEY}, "cache_host_public_url: found http://c.example.com:5000 and a certificate"),
        ({"cache_host_public_url": "http://c.example.com"},
         "cache_host_port: found 5000, but clients are sent to port 80 of http://c.example.com"),
        ({"cache_host_cas": ["/nowhere/ca.pem"]},
         "cache_host_cas[0]: found '/nowhere/ca.pem', which is no readable file on the controller"),
        ({"cache_host_image_source": "load", "cache_host_image_archive": "/nowhere.tar"},
         "cache_host_image_archive: found '/nowhere.tar', which is no file on the controller"),
        ({"cache_host_probe_from_controller": "yes"},
         "cache_host_probe_from_controller: found true but no cache_host_p"),
    ],
)
def test_a_mistake_is_one_sentence(options, sentence):
    found = said(**options)
    assert len(found) == 1
    assert found[0].startswith(sentence)


def test_a_proxy_in_front_may_have_another_port_and_speak_tls():
    assert said(cache_host_public_url="https://c.example.com", cache_host_behind_proxy="true") == []


def test_all_mistakes_are_said_at_once():
    assert len(said(cache_host_name="A B", cache_host_port=-1, cache_host_blob_ttl="x")) == 3


def test_the_text_of_a_key_is_never_repeated():
    broken = KEY.replace("-----BEGIN", "BEGIN")
    assert "canary-of-a-key" not in "".join(said(cache_host_tls_certificate=PEM, cache_host_tls_key=broken))


def test_something_that_is_no_mapping_is_refused():
    with pytest.raises(AnsibleFilterError, match="found list, wanted the role's options by name"):
        host_mistakes([], KNOWN)


@pytest.mark.parametrize("answer", [None, ModuleNotFoundError("kubernetes")])
def test_manifests_are_applied_only_by_a_controller_that_can(monkeypatch, answer):
    def find_spec(_name):
        if answer is None:
            return
        raise answer

    monkeypatch.setattr("importlib.util.find_spec", find_spec)
    sentence = "cache_host_kubernetes_apply: found true, but the collection kubernetes.core is not installed"
    assert any(one.startswith(sentence) for one in said(cache_host_engine="kubernetes"))
    written = said(cache_host_engine="kubernetes", cache_host_kubernetes_apply="false")
    assert not any(one.startswith(sentence) for one in written)


def test_a_swarm_has_docker_volumes_too_and_a_cluster_names_a_claim():
    assert said(cache_host_engine="swarm") == []
    claims = [one for one in said(cache_host_engine="kubernetes") if one.startswith("cache_host_storage")]
    assert claims == []
