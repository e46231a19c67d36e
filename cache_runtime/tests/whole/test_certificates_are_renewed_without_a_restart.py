"""TLS on both sides: certificates and authorities change under a running cache, and no transfer notices."""

from __future__ import annotations

import random
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.certificates import Authority, plain_server
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.served_site import until_closed
from doubles.upstream import Upstream, hold_after

BLOB = random.Random(31).randbytes(2_000_000)


def trusting(path: Path, **options: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(path), **options)
    context.check_hostname = False
    return context


def shown(cache: RunningCache, context: ssl.SSLContext) -> bytes | None:
    """The certificate that the cache shows, DER."""
    host, _, port = cache.config["http"]["addr"].partition(":")
    with socket.create_connection((host, int(port)), 5) as sock, context.wrap_socket(sock) as secure:
        return secure.getpeercert(True)


def tls(certificate: Path, key: Path, **more: Any) -> dict[str, Any]:
    return {"tls": {"certificate": str(certificate), "key": str(key), **more}}


def test_a_chain_of_tls_serves_and_both_sides_are_renewed(tmp_path: Path) -> None:
    ours, theirs, later = Authority("ours"), Authority("theirs"), Authority("later")
    (tmp_path / "ca.pem").write_bytes(ours.pem)
    upstream_ca = tmp_path / "upstream-ca.pem"
    upstream_ca.write_bytes(theirs.pem)
    files = ours.issue(tmp_path, "127.0.0.1")
    context = plain_server(*theirs.issue(tmp_path, "127.0.0.1", name="upstream"))
    with (
        Upstream(context) as upstream,
        running_cache(tmp_path / "cache", [upstream.url], http=tls(*files), cas=[str(upstream_ca)]) as cache,
    ):
        cache.session.verify = str(tmp_path / "ca.pem")
        digest, second = upstream.add(BLOB), upstream.add(b"second")
        upstream.faults = [hold_after(500_000)]
        transfer = cache.get(digest, upstream.grant(digest), stream=True)
        before = shown(cache, trusting(tmp_path / "ca.pem"))

        # A half-written pair first: it must not replace the good one.
        files[0].write_bytes(later.pem)
        cache.hang_up()  # the files are looked at then, and every 10 s
        eventually(lambda: "stays in use" in cache.said, 20)
        assert shown(cache, trusting(tmp_path / "ca.pem")) == before
        ours.issue(tmp_path, "127.0.0.1")
        context.load_cert_chain(*later.issue(tmp_path, "127.0.0.1", name="upstream-later"))
        upstream_ca.write_bytes(later.pem)
        eventually(lambda: shown(cache, trusting(tmp_path / "ca.pem")) != before, 20)
        eventually(lambda: cache.get(second, upstream.grant(second)).content == b"second", 20)
        upstream.release.set()

        assert transfer.content == BLOB
        assert "Traceback" not in cache.said


def test_a_client_certificate_is_wanted_where_it_is_configured(tmp_path: Path) -> None:
    ours, strangers = Authority("ours"), Authority("strangers")
    (tmp_path / "ca.pem").write_bytes(ours.pem)
    clients = {"clientcas": [str(tmp_path / "ca.pem")]}
    http = tls(*ours.issue(tmp_path, "127.0.0.1"), **clients)
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url], http=http) as cache:
        digest = upstream.add(BLOB)
        cache.session.verify = str(tmp_path / "ca.pem")
        ask = lambda: cache.get(digest, upstream.grant(digest))  # noqa: E731

        with pytest.raises(requests.exceptions.ConnectionError):
            ask()
        cache.session.cert = tuple(map(str, strangers.issue(tmp_path, "client", name="stranger")))
        with pytest.raises(requests.exceptions.ConnectionError):
            ask()
        cache.session.cert = tuple(map(str, ours.issue(tmp_path, "client", name="client")))

        assert ask().content == BLOB


def test_an_older_protocol_and_a_client_without_tls_are_refused_without_a_word_in_the_wrong_place(
    tmp_path: Path,
) -> None:
    ours = Authority("ours")
    (tmp_path / "ca.pem").write_bytes(ours.pem)
    http = tls(*ours.issue(tmp_path, "127.0.0.1"), minimumtls="tls1.3")
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url], http=http) as cache:
        old = trusting(tmp_path / "ca.pem")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            shown(cache, old)
        assert shown(cache, trusting(tmp_path / "ca.pem"))
        host, _, port = cache.config["http"]["addr"].partition(":")
        with socket.create_connection((host, int(port)), 5) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert not until_closed(plain).startswith(b"HTTP")
        assert shown(cache, trusting(tmp_path / "ca.pem"))
        assert cache.stop() == 0

        # Every line of the log is one of ours, whatever the library says.
        assert [line for line in cache.said.splitlines() if not line.startswith("time=")] == []


def test_files_of_other_names_and_stricter_rules_are_taken_up_while_a_transfer_goes_on(tmp_path: Path) -> None:
    ours = Authority("ours")
    trust = tmp_path / "ca.pem"
    trust.write_bytes(ours.pem)
    first, second = (ours.issue(tmp_path, "127.0.0.1", name=name) for name in ("first", "second"))
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url], http=tls(*first)) as cache:
        cache.session.verify = str(trust)
        digest = upstream.add(BLOB)
        upstream.faults = [hold_after(500_000)]
        transfer = cache.get(digest, upstream.grant(digest), stream=True)
        before = shown(cache, trusting(trust))

        cache.config["http"].update(tls(second[0], first[1]))
        cache.write_config()
        cache.hang_up()
        eventually(lambda: "the old configuration stays in use" in cache.said)
        assert "http.tls.key" in cache.said
        assert shown(cache, trusting(trust)) == before

        cache.config["http"].update(tls(*second, minimumtls="tls1.3", clientcas=[str(trust)]))
        cache.write_config()
        cache.hang_up()
        eventually(lambda: "configuration reloaded" in cache.said)
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(cache.url + "/", verify=str(trust), timeout=5)
        client = trusting(trust)
        client.load_cert_chain(*ours.issue(tmp_path, "client", name="client"))
        assert shown(cache, client) not in (before, None)
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            shown(cache, client)
        assert "next start" not in cache.said
        upstream.release.set()

        assert transfer.content == BLOB

        # The new files are watched now, as the old ones were.
        shown_second = ours.issue(tmp_path, "127.0.0.1", name="second")
        client.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
        before = shown(cache, client)
        assert shown_second == second
        cache.hang_up()
        eventually(lambda: shown(cache, client) != before)


def test_tls_as_such_waits_for_the_next_start_and_says_so(tmp_path: Path) -> None:
    ours = Authority("ours")
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url]) as cache:
        cache.config["http"].update(tls(*ours.issue(tmp_path, "127.0.0.1")))
        cache.write_config()
        cache.hang_up()

        eventually(lambda: "these changes take effect at the next start: http.tls" in cache.said)
        assert cache.session.get(cache.url + "/", timeout=5).status_code == 200


def test_an_upstream_of_the_systems_authorities_is_trusted_once_the_system_trusts_it(tmp_path: Path) -> None:
    theirs, bundle = Authority("theirs"), tmp_path / "system.pem"
    bundle.write_bytes(Authority("another").pem)
    context = plain_server(*theirs.issue(tmp_path, "127.0.0.1"))
    with (
        Upstream(context) as upstream,
        running_cache(tmp_path / "cache", [upstream.url], environ={"SSL_CERT_FILE": str(bundle)}) as cache,
    ):
        digest = upstream.add(b"blob")
        assert cache.get(digest, upstream.grant(digest)).status_code == 503

        bundle.write_bytes(theirs.pem)
        cache.hang_up()

        eventually(lambda: cache.get(digest, upstream.grant(digest)).content == b"blob")


def test_a_certificate_that_has_ended_is_named_by_the_log_and_its_end_by_the_probe(tmp_path: Path) -> None:
    authority = Authority("ours")
    files = authority.issue(tmp_path, "127.0.0.1")
    with Upstream() as upstream, running_cache(tmp_path / "cache", [upstream.url], http=tls(*files)) as cache:
        authority.issue(tmp_path, "127.0.0.1", until=datetime.now(UTC) - timedelta(minutes=5))
        cache.hang_up()

        eventually(lambda: "names the certificate CN=127.0.0.1, which expired on" in cache.said)
        program = [sys.executable, "-m", "dtr_content_cache", "--probe", str(cache.config_path)]
        probe = subprocess.run(program, capture_output=True, text=True, check=False)

    assert probe.returncode == 1
    assert probe.stderr == "the cache's TLS does not work: certificate has expired\n"
