"""Redirects by hand: who gets which header, and what a dead end is called."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.blob_route import BlobRoute
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import Connection
from ansible_collections.dtr.caches.plugins.module_utils.errors import (
    Denied,
    NotFound,
    NotListening,
    Refusal,
    Unexpected,
)
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import Trust
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin
from scripted_server import Says

DIGEST = "sha256:" + "a" * 64


class Login:
    """Tokens counted up, with RegistryLogin's interface."""

    def __init__(self):
        self.renewed = 0

    def headers(self, stale=None):
        self.renewed += stale is not None
        return {"Authorization": f"Bearer token{self.renewed}"}


def route_at(url, login=None):
    connection = Connection(parse_origin(url, ""), "alice", "canary", "", True, 5)
    return BlobRoute(connection, "org/app", login or Login(), HttpTransport(Trust(), 5), HttpTransport(Trust(), 5))


def redirecting(to, status=307):
    return lambda asked: Says(status, headers={"Location": to})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_port_of_the_same_host_gets_the_range_and_the_grant_and_no_authorization(server, status):
    cache = server(lambda asked: Says(body=b"blob"))
    dtr = server(redirecting(cache.url + "/v2/org/app/blobs/x?grant=g", status))
    _transport, response, hops = route_at(dtr.url).open(DIGEST, 7)
    assert response.status_code == 200
    assert hops == [dtr.url, cache.url]
    assert dtr.asked[0].headers["Authorization"] == "Bearer token0"
    assert "Authorization" not in cache.asked[0].headers
    assert cache.asked[0].query == "grant=g"
    assert cache.asked[0].headers["Range"] == dtr.asked[0].headers["Range"] == "bytes=7-"
    assert cache.asked[0].headers["Accept-Encoding"] == "identity"


def test_a_relative_redirect_stays_at_dtr_and_keeps_the_authorization(server):
    dtr = server(lambda asked: Says() if asked.path == "/there" else Says(307, headers={"Location": "/there"}))
    assert route_at(dtr.url).open(DIGEST)[2] == [dtr.url, dtr.url]
    assert dtr.asked[1].headers["Authorization"] == "Bearer token0"


def test_a_token_that_ran_out_is_renewed_once(server):
    dtr = server(lambda asked: Says(200 if asked.headers["Authorization"] == "Bearer token1" else 401))
    login = Login()
    assert route_at(dtr.url, login).open(DIGEST)[1].status_code == 200
    assert login.renewed == 1
    refusing = server(lambda asked: Says(401))
    with pytest.raises(Denied) as caught:
        route_at(refusing.url).open(DIGEST)
    assert caught.value.details["denied"] is True
    assert len(refusing.asked) == 2


def test_a_circle_of_redirects_ends(server):
    dtr = server(lambda asked: Says(307, headers={"Location": asked.path + "x"}))
    with pytest.raises(Unexpected, match="more than 5 times"):
        route_at(dtr.url).open(DIGEST)
    assert len(dtr.asked) == 6


@pytest.mark.parametrize("location", ["", "ftp://cache/x", "https://", "file:///etc/passwd", "http://cache:99999/"])
def test_a_redirect_to_no_address_is_refused(server, location):
    with pytest.raises(Unexpected, match="no usable http"):
        route_at(server(redirecting(location)).url).open(DIGEST)


@pytest.mark.parametrize(
    ("status", "kind", "denied"),
    [(403, Denied, False), (404, NotFound, None), (500, Refusal, None), (416, Refusal, None)],
)
def test_a_hop_that_refuses_is_named(server, status, kind, denied):
    cache = server(lambda asked: Says(status, {"errors": [{"code": "CODE", "message": "words"}]}))
    with pytest.raises(kind) as caught:
        route_at(server(redirecting(cache.url + "/x?grant=secret")).url).open(DIGEST)
    assert f"{status} CODE: words" in caught.value.message
    assert cache.url in caught.value.message
    assert "secret" not in caught.value.message
    assert caught.value.details.get("denied") is denied
    assert caught.value.details["hop"] == cache.url


def test_a_hop_that_is_down_is_named(server):
    cache = server(lambda asked: Says())
    cache._server.socket.close()
    cache._server.server_close()
    with pytest.raises(NotListening) as caught:
        route_at(server(redirecting(cache.url + "/x?grant=secret")).url).open(DIGEST)
    assert caught.value.details["hop"] == cache.url
