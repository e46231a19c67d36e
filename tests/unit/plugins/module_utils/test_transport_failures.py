"""Connections that fail for real, each in one sentence that names host and cure, and none with the URL's query."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace

import pytest
import requests
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import Connection
from ansible_collections.dtr.caches.plugins.module_utils.errors import (
    Interrupted,
    NotListening,
    Silent,
    Unexpected,
    Unreachable,
    UntrustedTls,
    WrongOption,
)
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import Trust, cache_trust, dtr_trust
from ansible_collections.dtr.caches.plugins.module_utils.transport_failures import explain
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin
from certificates_made import Made
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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert "Nothing listens" in failure_of(url, kind=NotListening).message


def test_a_server_that_stays_silent():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        failure = failure_of(f"http://127.0.0.1:{silent.getsockname()[1]}", kind=Silent, timeout=0.2)
    assert not failure.may_pass


@pytest.mark.parametrize("says", [Says(silent=True), Says(body=b"x" * 1000, cut_after=10)])
def test_an_answer_that_breaks_off(server, says):
    assert failure_of(server(lambda asked: says).url, kind=Interrupted).may_pass


def test_an_answer_without_an_end_is_not_read_to_its_end(server):
    url = server(lambda asked: Says(body=b"x" * 100_000)).url
    transport = HttpTransport(Trust(), 5)
    with pytest.raises(Unexpected, match="larger than 1000 bytes"):
        transport.body(transport.exchange("GET", url), largest=1000)


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


def test_dtr_is_trusted_by_its_ca_alone_and_a_cache_by_its_ca_or_the_trust_store(server, tmp_path, monkeypatch):
    store, named = Made("a CA of this host"), Made("a CA that was named")
    url = server(lambda asked: Says(), tls=Made("x", ca=False, signer=store, address="127.0.0.1").files(tmp_path)).url
    paths = tmp_path / "store.pem", tmp_path / "named.pem"
    for path, made in zip(paths, (store, named), strict=True):
        path.write_text(made.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(paths[0]))
    connection = Connection(parse_origin(url, ""), "", "", str(paths[1]), True, 5)
    for trust in (
        cache_trust(connection, ""),
        cache_trust(connection, str(paths[1])),
        dtr_trust(replace(connection, ca_path="")),
    ):
        assert HttpTransport(trust, 5).exchange("GET", url).status_code == 200
    refused = failure_of(url, dtr_trust(connection), UntrustedTls)
    assert f"looked for in {paths[1]}." in refused.message
    assert (
        HttpTransport(dtr_trust(replace(connection, validate_certs=False)), 5).exchange("GET", url).status_code == 200
    )


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


@pytest.mark.parametrize(("content", "words"), [(None, "is no file"), ("no PEM", "holds no PEM certificate")])
def test_a_ca_file_that_cannot_be_used_is_named_with_its_option(tmp_path, content, words):
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(WrongOption) as caught:
        HttpTransport(Trust(str(path), "cache_ca_path"), 5)
    assert words in caught.value.message
    assert caught.value.message.startswith(f"cache_ca_path is '{path}'")


def test_neither_netrc_nor_cookies_nor_redirects_are_followed(server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("NETRC", str(netrc))
    one = server(lambda asked: Says(307, headers={"Location": "/elsewhere", "Set-Cookie": "session=1"}))
    transport = HttpTransport(Trust(), 5)
    for _attempt in range(2):
        transport.body(transport.exchange("GET", one.url))
    assert one.paths() == ["/", "/"]
    assert all("Authorization" not in asked.headers and "Cookie" not in asked.headers for asked in one.asked)


def test_a_proxy_of_the_environment_is_used_unless_the_host_is_excepted(server, monkeypatch):
    proxy, direct = server(lambda asked: Says(body="proxy")), server(lambda asked: Says(body="direct"))
    monkeypatch.setenv("http_proxy", proxy.url)
    transport = HttpTransport(Trust(), 5)
    assert transport.body(transport.exchange("GET", direct.url)) == b"proxy"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert transport.body(transport.exchange("GET", direct.url)) == b"direct"
