"""What `http` says about the door: a unix socket, the cipher suites, who must show a certificate, the descriptors."""

from __future__ import annotations

import http.client
import random
import resource
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.certificates import Authority
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream

BLOB = random.Random(75).randbytes(300_000)


class OverUnix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("cache.example.com", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


def test_blobs_come_over_a_unix_socket_whose_stale_file_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "door"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    door = {"net": "unix", "addr": str(path)}
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url], http=door) as cache:
        digest = upstream.add(BLOB)
        for wanted in ("fwd=uri-miss; stored", "hit"):
            connection = OverUnix(path)
            connection.request("GET", f"/v2/org/app/blobs/{digest}?grant={upstream.grant(digest)}")
            answer = connection.getresponse()
            assert answer.read() == BLOB
            assert str(answer.getheader("Cache-Status")).endswith(wanted)
            connection.close()
            eventually(lambda: cache.is_stored(digest))
        assert cache.stop() == 0
        assert not path.exists()


def secure(folder: Path, authority: Authority, **more: Any) -> dict[str, Any]:
    certificate, key = authority.issue(folder, "127.0.0.1")
    (folder / "ca.pem").write_bytes(authority.pem)
    return {"tls": {"certificate": str(certificate), "key": str(key), **more}}


def agreed(cache: RunningCache, trust: Path, suites: str) -> str:
    """The suite that a client of TLS 1.2 with `suites` gets. Raise ssl.SSLError or ConnectionError for none."""
    context = ssl.create_default_context(cafile=str(trust))
    context.check_hostname, context.maximum_version = False, ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suites)
    host, _, port = cache.config["http"]["addr"].partition(":")
    with socket.create_connection((host, int(port)), 5) as sock, context.wrap_socket(sock) as secured:
        return str((secured.cipher() or ("",))[0])


def test_only_the_named_cipher_suites_are_agreed_to(tmp_path: Path) -> None:
    door = secure(tmp_path, Authority("ours"), ciphersuites=["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"])
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url], http=door) as cache:
        both = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
        assert agreed(cache, tmp_path / "ca.pem", both) == "ECDHE-ECDSA-AES256-GCM-SHA384"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            agreed(cache, tmp_path / "ca.pem", "ECDHE-ECDSA-AES128-GCM-SHA256")


def test_the_log_says_with_whom_tls_failed_and_why_and_nothing_of_who_only_looked_in(tmp_path: Path) -> None:
    door = secure(tmp_path, Authority("ours"), minimumtls="tls1.2")
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url], http=door) as cache:
        host, _, port = cache.config["http"]["addr"].partition(":")

        socket.create_connection((host, int(port)), 5).close()
        with pytest.raises(ssl.SSLError), socket.create_connection((host, int(port)), 5) as sock:
            ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        with socket.create_connection((host, int(port)), 5) as sock:
            sock.sendall(b"GET /v2/ HTTP/1.1\r\nHost: cache\r\n\r\n")
            eventually(lambda: len(_told_of_tls(cache)) == 2)

        told = _told_of_tls(cache)
        assert "unknown ca" in told[0]
        assert "http request" in told[1]
        assert all("client=127.0.0.1" in line for line in told)


def _told_of_tls(cache: RunningCache) -> list[str]:
    return [line for line in cache.said.splitlines() if "no TLS with this client" in line]


@pytest.mark.parametrize(
    ("word", "without", "with_a_strangers"),
    [
        ("request-client-cert", True, False),
        ("verify-client-cert-if-given", True, False),
        ("require-any-client-cert", False, False),
        ("require-and-verify-client-cert", False, False),
    ],
)
def test_who_must_show_a_certificate(tmp_path: Path, word: str, without: bool, with_a_strangers: bool) -> None:
    ours = Authority("ours")
    door = secure(tmp_path, ours, clientcas=[str(tmp_path / "ca.pem")], clientauth=word)
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url], http=door) as cache:
        ask = lambda certificate=None: comes_in(cache, tmp_path / "ca.pem", certificate)  # noqa: E731
        assert ask(ours.issue(tmp_path, "client", name="client"))
        assert ask() is without
        assert ask(Authority("strangers").issue(tmp_path, "client", name="stranger")) is with_a_strangers
        assert ("is served as" in cache.said) is (word in ("request-client-cert", "require-any-client-cert"))


def comes_in(cache: RunningCache, trust: Path, certificate: tuple[Path, Path] | None) -> bool:
    shown = tuple(map(str, certificate)) if certificate else None
    try:
        return requests.get(cache.url + "/v2/", verify=str(trust), cert=shown, timeout=5).status_code == 200
    except requests.exceptions.ConnectionError:
        return False


def test_it_takes_all_the_descriptors_that_it_may(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard // 2, hard))
    try:
        with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
            assert resource.prlimit(cache.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
