"""The environment names a forward proxy, as in many offices: the cache goes out by it, over TLS without trusting it,
and tells neither its password nor anybody's grant."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.certificates import Authority, plain_server
from doubles.forward_proxy import ForwardProxy
from doubles.running_cache import RunningCache, eventually, running_cache, simple_config
from doubles.upstream import Upstream, cut_after

BLOB = random.Random(95).randbytes(1_500_000)
LOGIN = "office:proxy-secret"


@pytest.fixture
def dtr(tmp_path: Path) -> Iterator[Upstream]:
    """Reached under a name that only a proxy can resolve."""
    authority = Authority("DTR's CA")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    with Upstream(context=plain_server(*authority.issue(tmp_path, "dtr.example.test"))) as upstream:
        yield upstream


def test_https_goes_through_a_tunnel_that_sees_a_name_and_nothing_else(tmp_path: Path, dtr: Upstream) -> None:
    with ForwardProxy(dtr.port, LOGIN) as proxy:
        environ = {"HTTPS_PROXY": f"http://{LOGIN}@{proxy.place}", "NO_PROXY": "elsewhere.example"}
        upstreams = [f"https://dtr.example.test:{dtr.port}"]
        with running_cache(tmp_path, upstreams, environ=environ, cas=[str(tmp_path / "ca.pem")]) as cache:
            digest = dtr.add(BLOB)
            dtr.faults = [cut_after(400_000)]
            grant = dtr.grant(digest)
            eventually(lambda: cache.get(digest, grant, method="HEAD").status_code == 200)

            assert cache.get(digest, grant).content == BLOB
            assert set(proxy.asked) == {f"CONNECT dtr.example.test:{dtr.port} HTTP/1.1"}
            assert grant not in "".join(proxy.heads)
            assert f"is reached through the proxy http://{proxy.place}" in cache.said
            assert [word for word in ("proxy-secret", "b2ZmaWNl") if word in cache.said + cache.access_log] == []
            assert [asked for asked in dtr.asked if "proxy-authorization" in asked.headers] == []


def test_plain_http_is_asked_of_the_proxy_itself(tmp_path: Path) -> None:
    with Upstream() as dtr, ForwardProxy(dtr.port, LOGIN) as proxy:
        environ = {"http_proxy": f"http://{LOGIN}@{proxy.place}"}
        with running_cache(tmp_path, [f"http://dtr.example.test:{dtr.port}"], environ=environ) as cache:
            digest = dtr.add(BLOB)
            grant = dtr.grant(digest)
            eventually(lambda: cache.get(digest, grant, method="HEAD").status_code == 200)

            assert cache.get(digest, grant).content == BLOB
            path = f"/v2/org/app/blobs/{digest}?grant={grant}"
            assert f"GET http://dtr.example.test:{dtr.port}{path} HTTP/1.1" in proxy.asked
            assert {asked.headers["host"] for asked in dtr.asked} == {f"dtr.example.test:{dtr.port}"}


def test_who_is_named_in_no_proxy_is_reached_straight(tmp_path: Path, dtr: Upstream) -> None:
    with ForwardProxy(dtr.port) as proxy:
        environ = {"HTTPS_PROXY": proxy.place, "NO_PROXY": ".example.test"}
        upstreams = [f"https://dtr.example.test:{dtr.port}"]
        with running_cache(tmp_path, upstreams, environ=environ, cas=[str(tmp_path / "ca.pem")]) as cache:
            # Straight there is no such name; that it was looked for is the proof.
            eventually(lambda: "the name cannot be resolved" in cache.said, 20)

            assert proxy.asked == []


@pytest.mark.parametrize("credentials", ["", "office:wrong"])
def test_a_proxy_that_lets_nobody_through_is_named_with_its_status_and_without_the_password(
    tmp_path: Path, dtr: Upstream, credentials: str
) -> None:
    with ForwardProxy(dtr.port, LOGIN) as proxy:
        environ = {"HTTPS_PROXY": f"http://{credentials}@{proxy.place}" if credentials else proxy.place}
        upstreams = [f"https://dtr.example.test:{dtr.port}"]
        with running_cache(tmp_path, upstreams, environ=environ, cas=[str(tmp_path / "ca.pem")]) as cache:
            refusal = f"the proxy http://{proxy.place} lets nobody through to dtr.example.test:{dtr.port}: status 407"
            eventually(lambda: refusal in cache.said)

            assert "wrong" not in cache.said


def test_a_proxy_between_does_not_vouch_for_the_upstream(tmp_path: Path, dtr: Upstream) -> None:
    (tmp_path / "other-ca.pem").write_bytes(Authority("another CA").pem)
    with ForwardProxy(dtr.port) as proxy:
        upstreams, cas = [f"https://dtr.example.test:{dtr.port}"], [str(tmp_path / "other-ca.pem")]
        with running_cache(tmp_path, upstreams, environ={"HTTPS_PROXY": proxy.place}, cas=cas) as cache:
            eventually(lambda: "its certificate is not accepted" in cache.said)

            assert dtr.asked == []


def test_a_proxy_that_is_not_understood_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    cache = RunningCache(tmp_path, simple_config(tmp_path / "volume", ["https://dtr.example.test"]), {})
    environ = {"PATH": "/usr/bin:/bin", "HTTPS_PROXY": "socks5://office:proxy-secret@gate:1080"}
    run = [sys.executable, "-m", "dtr_content_cache", str(cache.config_path)]
    ended = subprocess.run(run, env=environ, capture_output=True, text=True, timeout=30, check=False)

    assert ended.returncode == 1
    mistake = "environment: HTTPS_PROXY: found a proxy of the kind 'socks5', wanted http://[user:password@]host[:port]"
    assert mistake in ended.stderr
    assert [word for word in ("proxy-secret", "Traceback") if word in ended.stderr + ended.stdout] == []
