"""What others worded loses its secrets, and keeps its sense."""

from __future__ import annotations

import pytest
from dtr_content_cache.observation.discretion import discreet, network_of, short_digest

HEX = "5a" * 32


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:canary@proxy.example.com:3128: no connection", "https://proxy.example.com:3128: no connection"),
        ("GET /v2/org/app?grant=canary broke", "GET …/app broke"),
        ("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2ln is not good", "… is not good"),
        ("sent Authorization: Basic Y2FuYXJ5 twice", "sent Authorization: Basic … twice"),
        ("judged by /etc/canary/certs/dtr-ca.pem", "judged by …/dtr-ca.pem"),
        ("(judged by /etc/a/dtr-ca.pem, /etc/b/own.pem)", "(judged by …/dtr-ca.pem, …/own.pem)"),
        (f"the bytes do not hash to sha256:{HEX}", "the bytes do not hash to 5a5a5a5a5a5a…"),
        ("https://dtr.example.com: certificate has expired", "https://dtr.example.com: certificate has expired"),
        ("/srv/switches/closed", "…/closed"),
        ("storagedriver_filesystem", "storagedriver_filesystem"),
    ],
)
def test_a_sentence_keeps_its_sense_and_loses_its_secrets(text: str, shown: str) -> None:
    assert discreet(text) == shown
    assert "canary" not in discreet(text).replace("…/dtr", "")


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("10.1.2.3", "10.1.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_a_clients_address_tells_its_network_only(client: str, network: str) -> None:
    assert network_of(client) == network


def test_a_digest_is_shown_by_its_first_twelve_digits() -> None:
    assert short_digest(f"sha256:{HEX}") == short_digest(HEX) == "5a5a5a5a5a5a"
