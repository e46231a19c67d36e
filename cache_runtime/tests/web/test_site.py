"""What every other address answers, and that no answer tells what a client must not know."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.served_site import exchange
from doubles.upstream import Upstream, status

DIGEST = "sha256:" + "5a" * 32


@dataclass
class Office:
    upstream: Upstream
    cache: RunningCache
    base: str  # what stands before every path

    def ask(self, path: str, method: str = "GET", **options) -> requests.Response:
        options.setdefault("allow_redirects", False)
        return self.cache.session.request(method, self.cache.url + self.base + path, timeout=10, **options)


@pytest.fixture(scope="module", params=["", "/some/prefix"], ids=["no prefix", "prefix"])
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    base = request.param
    http = {"prefix": base + "/"} if base else {}
    switch = tmp_path_factory.mktemp("switch") / "out-of-service"
    folder = tmp_path_factory.mktemp("office")
    health = {"health": {"file": [{"file": str(switch), "interval": "50ms"}]}}
    with Upstream() as upstream, running_cache(folder, [upstream.url], http=http, sections=health) as cache:
        cache.switch = switch  # type: ignore[attr-defined]
        eventually(lambda: cache.session.get(f"{cache.url}{base}/.well-known/dtr-content-cache", timeout=5).ok)
        yield Office(upstream, cache, base)


@pytest.mark.parametrize(
    ("path", "code", "body"),
    [
        ("/v2/", 200, b"{}"),
        ("/v2/_catalog", 200, b'{"repositories":[]}'),
        ("/v2/_catalog?n=100000000000", 200, b'{"repositories":[]}'),
        ("/", 200, b""),
        ("/nowhere", 404, b"404 page not found\n"),
        ("/v2/org/app/blobs/latest", 404, b"404 page not found\n"),
        ("/v2/../etc/passwd", 404, b"404 page not found\n"),
        ("/debug/health", 404, b"404 page not found\n"),
        ("/metrics", 404, b"404 page not found\n"),
    ],
)
def test_a_plain_address(office: Office, path: str, code: int, body: bytes) -> None:
    answer = office.ask(path)

    assert (answer.status_code, answer.content) == (code, body)


def test_the_api_names_its_version(office: Office) -> None:
    assert office.ask("/v2/").headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert office.ask("/v2").headers["Location"] == office.base + "/v2/"
    assert office.ask("/v2").status_code == 301


def test_it_relays_the_discovery_document_as_it_came(office: Office) -> None:
    answer = office.ask("/.well-known/dtr-content-cache")

    assert answer.json() == office.upstream.discovery
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE", "TRACE", "MKCOL"])
@pytest.mark.parametrize("path", [f"/v2/org/app/blobs/{DIGEST}", "/v2/", "/v2/org/app/blobs/uploads/", "/"])
def test_nothing_can_be_written(office: Office, method: str, path: str) -> None:
    answer = office.ask(path, method)

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.json()["errors"][0]["code"] == "UNSUPPORTED"


def test_a_client_that_pushes_a_layer_gets_to_read_that_it_may_not(office: Office) -> None:
    answer = office.ask(f"/v2/org/app/blobs/uploads/x?digest={DIGEST}", "PUT", data=b"x" * 5_000_000)

    assert answer.status_code == 405


def test_options_names_the_methods(office: Office) -> None:
    answer = office.ask("/v2/", "OPTIONS")

    assert (answer.status_code, answer.content, answer.headers["Allow"]) == (200, b"", "GET, HEAD")


def test_a_get_with_a_body_is_refused(office: Office) -> None:
    assert office.ask("/v2/", data=b"surprise").status_code == 400


@pytest.mark.parametrize("rest", ["manifests/latest", f"manifests/{DIGEST}", "tags/list", f"referrers/{DIGEST}"])
def test_a_manifest_is_asked_for_at_dtr(office: Office, rest: str) -> None:
    answer = office.ask(f"/v2/org/app/{rest}")

    assert answer.status_code == 404
    assert answer.json()["errors"][0]["code"] == "MANIFEST_UNKNOWN"
    assert "Docker Trusted Registry" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("path", "code"),
    [("/v2/org/app/blobs/sha256:abc", "DIGEST_INVALID"), (f"/v2/Org/app/blobs/{DIGEST}", "NAME_INVALID"),
     (f"/v2/a/../b/blobs/{DIGEST}", "NAME_INVALID"), (f"/v2/org/%61pp/blobs/{DIGEST}", "NAME_INVALID")],
)  # fmt: skip
def test_what_is_no_digest_or_no_name_is_400(office: Office, path: str, code: str) -> None:
    # Not by requests, which would clean the path.
    host, _, port = office.cache.url.removeprefix("http://").partition(":")
    data = f"GET {office.base}{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()

    head, _, body = exchange((host, int(port)), data).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["errors"][0]["code"] == code


def test_only_the_configured_prefix_is_served(office: Office) -> None:
    outside = office.cache.session.get(f"{office.cache.url}/other/v2/", timeout=10)

    assert outside.status_code == 404


def test_a_blob_is_served_below_the_prefix_and_asked_upstream_without_it(office: Office) -> None:
    data = random.randbytes(1000)
    digest = office.upstream.add(data)

    answer = office.ask(f"/v2/org/app/blobs/{digest}?grant={office.upstream.grant(digest)}")

    assert answer.content == data
    assert office.upstream.blob_requests()[-1].path == f"/v2/org/app/blobs/{digest}"


def test_an_operator_takes_it_out_of_service_by_a_file(office: Office) -> None:
    switch = office.cache.switch  # type: ignore[attr-defined]
    switch.touch()
    try:
        eventually(lambda: office.ask("/v2/").status_code == 503)
        assert office.ask("/v2/").json()["errors"][0]["code"] == "UNAVAILABLE"
        assert office.ask(f"/v2/org/app/blobs/{DIGEST}?grant=x").status_code == 503
    finally:
        switch.unlink()
    eventually(lambda: office.ask("/v2/").ok)


def test_no_answer_and_no_log_shows_a_grant_a_path_or_an_upstream(office: Office) -> None:
    upstream, cache = office.upstream, office.cache
    missing = "sha256:" + "1" * 64
    broken = upstream.add(random.randbytes(1000))
    upstream.faults = [status("418 Teapot")] * 30
    grants = [upstream.grant(digest) for digest in (missing, broken)] + ["CANARY.grant.value"]
    said = []
    for digest, grant in ((missing, grants[0]), (broken, grants[1]), (missing, grants[2]), (broken, grants[0])):
        for method in ("GET", "HEAD"):
            answer = office.ask(f"/v2/org/app/blobs/{digest}?grant={grant}&secret=CANARY", method)
            assert answer.status_code >= 400 or method == "HEAD"
            said.append(answer.text + str(answer.headers))
    upstream.faults = []

    for secret in (*grants, "CANARY", str(cache.root), upstream.url, f"127.0.0.1:{upstream.port}", "Traceback"):
        assert secret not in "".join(said)
    eventually(lambda: cache.access_log.count("CANARY") == 0 and missing in cache.access_log)
    for secret in (*grants, "CANARY", "Traceback"):
        assert secret not in cache.access_log + cache.said
