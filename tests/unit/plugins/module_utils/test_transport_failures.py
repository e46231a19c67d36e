"""Connections that fail for real, each in one sentence that names host and cure, and none with the URL's query."""

from __future__ import annotations

import socket
import ssl

import pytest
import requests
from ansible_collections.dtr.caches.plugins.module_utils.errors import (
    Interrupted,
    NotListening,
    Silent,
    Unreachable,
    UntrustedTls,
)
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import Trust
from ansible_collections.dtr.caches.plugins.module_utils.transport_failures import explain
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin
from certificates_made import Made
from doubles.ports import free_port
from scripted_server import Says

QUERY = "/v2/x?grant=canary"


def failure_of(url, trust=None, kind=Exception, timeout=5):
    transport = HttpTransport(trust or Trust(), timeout)
    with pytest.raises(kind) as caught:
        transport.body(transport.exchange("GET", url + QUERY))
    assert type(caught.value) is kind
    assert url in caught.value.message
    assert "canary" not in caught.value.message
    return caught.value


def test_a_port_where_nothing_listens():
    assert "Nothing listens" in failure_of(f"http://127.0.0.1:{free_port()}", kind=NotListening).message


def test_a_server_that_stays_silent():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        failure = failure_of(f"http://127.0.0.1:{silent.getsockname()[1]}", kind=Silent, timeout=0.2)
    assert not failure.may_pass


@pytest.mark.parametrize("says", [Says(silent=True), Says(body=b"x" * 1000, cut_after=10)])
def test_an_answer_that_breaks_off(server, says):
    assert failure_of(server(lambda asked: says).url, kind=Interrupted).may_pass


def test_a_ca_that_nobody_knows(server, tmp_path):
    office = Made("office CA")
    url = server(lambda asked: Says(), tls=Made("x", ca=False, signer=office, address="127.0.0.1").files(tmp_path)).url
    failure = failure_of(url, kind=UntrustedTls)
    assert "the trust store of this host" in failure.message
    ca = tmp_path / "ca.pem"
    ca.write_text(Made("another CA").pem)
    assert str(ca) in failure_of(url, Trust(str(ca), system=False), UntrustedTls).message
    ca.write_text(office.pem)
    transport = HttpTransport(Trust(str(ca), system=False), 5)
    assert transport.exchange("GET", url).status_code == 200


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"address": "127.0.0.9"}, "is for another name"),
        ({"address": "127.0.0.1", "start": -9, "end": -1}, "out of its time"),
    ],
)
def test_a_certificate_for_another_name_or_time(server, tmp_path, made, words):
    office = Made("office CA")
    url = server(lambda asked: Says(), tls=Made("x", ca=False, signer=office, **made).files(tmp_path)).url
    ca = tmp_path / "ca.pem"
    ca.write_text(office.pem)
    assert words in failure_of(url, Trust(str(ca), system=False), UntrustedTls).message


def test_a_port_that_does_not_speak_tls(server):
    url = server(lambda asked: Says()).url.replace("http:", "https:")
    assert "is this port for https" in failure_of(url, kind=UntrustedTls).message


def test_a_name_that_cannot_be_resolved():
    failure = requests.ConnectionError(socket.gaierror(-2, "Name or service not known"))
    told = explain(failure, parse_origin("https://dtr.invalid", ""), Trust(), 30)
    assert type(told) is Unreachable
    assert "dtr.invalid cannot be resolved" in told.message


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (requests.ConnectTimeout("x"), Unreachable, "within 30 s"),
        (requests.exceptions.ProxyError("x"), Unreachable, "HTTPS_PROXY"),
        (requests.exceptions.InvalidURL("x"), Unreachable, "no address that can be connected to"),
        (requests.ConnectionError(OSError(113, "No route")), Unreachable, "no route"),
        (requests.ConnectionError(ssl.SSLEOFError(8, "EOF occurred")), Interrupted, "closed the connection"),
    ],
)
def test_what_cannot_be_had_on_loopback(failure, kind, words):
    told = explain(failure, parse_origin("https://dtr.example.com", ""), Trust(), 30)
    assert type(told) is kind
    assert words in told.message
