"""Tokens: got at DTR's own token service, renewed when stale, and never asked for anywhere else."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import Connection
from ansible_collections.dtr.caches.plugins.module_utils.errors import Denied, Refusal, Unexpected
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.registry_login import RegistryLogin, parse_challenge
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import Trust
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin
from scripted_server import Says


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        ('Bearer realm="https://d/auth/token",service="d"', {"realm": "https://d/auth/token", "service": "d"}),
        ('bearer realm=https://d/t , scope="a,b"', {"realm": "https://d/t", "scope": "a,b"}),
        ('Bearer realm="a\\"b"', {"realm": 'a"b'}),
        ('Basic realm="x"', None),
        ("", None),
        (None, None),
    ],
)
def test_a_challenge_is_read_however_it_is_quoted(header, challenge):
    assert parse_challenge(header) == challenge


def login_to(url, account="alice"):
    secret = "canary" if account else ""
    connection = Connection(parse_origin(url, ""), account, secret, "", True, 5)
    return RegistryLogin(connection, HttpTransport(Trust(), 5), "org/app")


def dtr_that(realm=None, token=None):
    """An ``answer`` of a DTR; ``realm`` and ``token`` replace its right ones."""
    count = iter(range(1000))

    def answer(asked):
        if asked.path == "/v2/":
            where = realm or f"http://{asked.headers['Host']}/auth/token"
            return Says(401, headers={"WWW-Authenticate": f'Bearer realm="{where}",service="dtr"'})
        return token or Says(body={"token": f"token{next(count)}"})

    return answer


def test_the_token_is_asked_for_once_as_docker_does_and_again_when_it_is_stale(server):
    dtr = server(dtr_that())
    login = login_to(dtr.url)
    first = login.headers()
    assert login.headers() == first == {"Authorization": "Bearer token0"}
    assert login.headers(stale=first) == {"Authorization": "Bearer token1"}
    assert login.headers(stale=first) == {"Authorization": "Bearer token1"}
    assert dtr.paths() == ["/v2/", "/auth/token", "/auth/token"]
    assert dtr.asked[1].query == "service=dtr&scope=repository%3Aorg%2Fapp%3Apull&account=alice"
    assert dtr.asked[1].headers["Authorization"].startswith("Basic ")
    assert "Authorization" not in dtr.asked[0].headers


def test_credentials_never_go_to_a_realm_of_another_origin(server):
    thief = server(lambda asked: Says(body={"token": "x"}))
    dtr = server(dtr_that(realm=thief.url + "/auth/token"))
    with pytest.raises(Unexpected) as caught:
        login_to(dtr.url).headers()
    assert thief.url in caught.value.message
    assert "set dtr_url" in caught.value.message
    assert thief.asked == []


@pytest.mark.parametrize("token", [Says(body="<html>"), Says(body={}), Says(body={"token": "a\nb"}), Says(body=[])])
def test_an_answer_without_a_usable_token_is_no_login(server, token):
    with pytest.raises(Unexpected, match="without a token"):
        login_to(server(dtr_that(token=token)).url).headers()


@pytest.mark.parametrize(
    ("status", "account", "denied"),
    [(401, "alice", False), (403, "alice", True), (401, "", True), (500, "alice", False)],
)
def test_only_a_missing_right_is_called_denied(server, status, account, denied):
    with pytest.raises(Refusal) as caught:
        login_to(server(dtr_that(token=Says(status))).url, account).headers()
    assert caught.value.details["denied"] is denied
    assert isinstance(caught.value, Denied) == (status in (401, 403))


def test_a_registry_without_a_login_needs_none(server):
    assert login_to(server(lambda asked: Says(body={})).url).headers() == {}


def test_a_login_without_a_token_service_is_explained(server):
    basic = server(lambda asked: Says(401, headers={"WWW-Authenticate": 'Basic realm="x"'}))
    with pytest.raises(Unexpected, match="without naming a token service"):
        login_to(basic.url).headers()
