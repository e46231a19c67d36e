"""The session: no .netrc, no cookies, no redirects, no endless bodies, and proxies from the environment only."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.errors import Unexpected
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import Trust
from scripted_server import Says


def test_an_answer_without_an_end_is_not_read_to_its_end(server):
    url = server(lambda asked: Says(body=b"x" * 100_000)).url
    transport = HttpTransport(Trust(), 5)
    with pytest.raises(Unexpected, match="larger than 1000 bytes"):
        transport.body(transport.exchange("GET", url), largest=1000)


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
