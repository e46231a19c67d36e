# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Names as TLS clients compare them, and silence about what cannot be read."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.filter import certificate_mismatch as owner
from ansible_collections.dtr.caches.plugins.filter.certificate_mismatch import certificate_mismatch
from certificates_made import Made


@pytest.mark.parametrize(
    ("certificate", "url"),
    [
        ({"names": ["cache.example.com"]}, "https://cache.example.com:5000"),
        ({"names": ["other.example.com", "Cache.Example.COM"]}, "https://CACHE.example.com/"),
        ({"names": ["*.example.com"]}, "https://cache.example.com"),
        ({"address": "127.0.0.1"}, "https://127.0.0.1:5000"),
        ({"address": "2001:db8::1"}, "https://[2001:DB8:0::1]:5000"),
    ],
)
def test_a_certificate_for_the_host_of_the_address_suits(certificate, url):
    assert certificate_mismatch(Made("a cache", **certificate).pem, url) == ""


@pytest.mark.parametrize(
    ("certificate", "url", "told"),
    [
        ({"names": ["other.example.net"]}, "https://localhost:28301",
         "the certificate is for other.example.net, but clients are sent to localhost"),
        ({"names": ["*.example.com"]}, "https://a.cache.example.com", "is for *.example.com, but"),
        ({"names": ["*.example.com"]}, "https://example.com", "is for *.example.com, but"),
        ({"names": ["cache*.example.com"]}, "https://cache1.example.com", "is for cache*.example.com, but"),
        ({"names": ["a.*.example.com"]}, "https://a.b.example.com", "is for a.*.example.com, but"),
        ({"names": ["*"]}, "https://localhost", "is for *, but"),
        ({"names": ["127.0.0.1"]}, "https://127.0.0.1", "is for 127.0.0.1 (as a DNS name), but clients"),
        ({"names": ["*.0.0.1"], "address": "10.0.0.1"}, "https://127.0.0.1", "is for *.0.0.1, 10.0.0.1, but"),
        ({}, "https://cache.example.com", "is for no host (it has no subject alternative name), but"),
        ({"names": [f"n{number}.test" for number in range(7)]}, "https://a.test",
         "is for n0.test, n1.test, n2.test, n3.test, n4.test and 2 more, but"),
    ],
)
def test_another_name_is_told_with_the_one_that_is_wanted(certificate, url, told):
    assert told in certificate_mismatch(Made("cache.example.com", **certificate).pem, url)


def test_only_the_first_of_a_chain_is_the_caches_own():
    own, issuer = Made("a cache", names=["a.test"]), Made("a CA", names=["b.test"])
    chain = f"what openssl says about it\n{own.pem}{issuer.pem}"
    assert certificate_mismatch(chain, "https://a.test") == ""
    assert "is for a.test, but clients are sent to b.test" in certificate_mismatch(chain, "https://b.test")
    assert certificate_mismatch(own.pem + issuer.pem.replace("MII", "AAA", 1), "https://a.test") == ""


@pytest.mark.parametrize("pem", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_cannot_be_read_is_left_to_the_caches_own_check(pem):
    assert certificate_mismatch(pem, "https://a.test") == ""


def test_an_address_without_a_host_is_judged_elsewhere():
    assert certificate_mismatch(Made("a cache", names=["b.test"]).pem, "") == ""


def test_a_controller_without_the_library_says_nothing(monkeypatch):
    pem = Made("a cache", names=["b.test"]).pem
    monkeypatch.setattr(owner, "x509", None)
    assert certificate_mismatch(pem, "https://a.test") == ""
