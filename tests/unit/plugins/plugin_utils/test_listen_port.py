# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Port 0 stands for the port of the address that clients use."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.plugin_utils.listen_port import listen_port


@pytest.mark.parametrize(
    ("asked", "url", "port"),
    [
        (0, "", 5000),
        ("0", "https://cache.example.com:8443", 8443),
        (0, "https://cache.example.com", 443),
        (0, "http://cache.example.com/", 80),
        (7000, "https://cache.example.com:8443", 7000),
        (0, "https://cache.example.com:99999", 5000),
        (0, "no address", 5000),
    ],
)
def test_the_port_is_the_one_asked_for_or_else_that_of_the_public_address(asked, url, port):
    assert listen_port({"cache_host_port": asked, "cache_host_public_url": url}) == port


def test_a_host_without_any_of_these_options_listens_on_the_registrys_port():
    assert listen_port({}) == 5000
