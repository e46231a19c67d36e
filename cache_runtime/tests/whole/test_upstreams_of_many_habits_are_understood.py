"""Registries differ: some do not answer HEAD, some sign URLs, some page by absolute links, some keep all elsewhere."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.inner_cache import inner_cache
from doubles.registry import Asked, Registry
from doubles.registry_office import RegistryOffice
from doubles.running_cache import eventually
from doubles.upstream import Answering, Upstream
from dtr_content_cache.delivery import attempts
from dtr_content_cache.web import upstream_answers

LAYER = b"a layer" * 20_000
TAG = "/v2/org/app/manifests/1.0"
USER = {"Authorization": "Basic dXNlcjpzZWNyZXQ="}
DENIED = 401, {"WWW-Authenticate": 'Basic realm="test"'}, b""
Answer = tuple[int, dict[str, str], bytes]


class Office(RegistryOffice):
    def ask(self, path: str, method: str = "GET", headers: dict[str, str] | None = USER) -> requests.Response:
        return requests.request(method, self.cache.url + path, headers=headers, timeout=30)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)
    with (
        Registry({USER["Authorization"]}) as registry,
        inner_cache(tmp_path, [registry.url], authorization="upstream", verdictttl="0s") as cache,
    ):
        yield Office(registry, cache, *registry.push("1.0", LAYER))


def headless(status: int) -> Any:
    def answer(asked: Asked) -> Answer | None:
        return (status, DENIED[1], b"") if asked.method == "HEAD" else None

    return answer


@pytest.mark.parametrize("status", [401, 405, 501, 400])
def test_an_upstream_without_head_is_asked_by_get_and_remembered_for_it(office: Office, status: int) -> None:
    office.registry.before = headless(status)

    assert office.ask(TAG).content == office.registry.things[office.manifest]
    assert office.ask(office.blob).content == LAYER
    eventually(lambda: office.cache.is_stored(office.layer))
    office.registry.asked.clear()
    assert office.ask(office.blob).headers["Cache-Status"] == "dtr-content-cache; hit"
    head = office.ask(TAG, "HEAD")
    blob_head = office.ask(office.blob, "HEAD")

    assert (head.status_code, head.headers["Docker-Content-Digest"]) == (200, office.manifest)
    assert head.headers["Content-Length"] == str(len(office.registry.things[office.manifest]))
    assert (blob_head.status_code, blob_head.headers["Content-Length"]) == (200, str(len(LAYER)))
    assert "HEAD" not in [asked.method for asked in office.registry.asked]
    assert {asked.headers.get("range") for asked in office.registry.asked if "/blobs/" in asked.target} == {"bytes=0-0"}


@pytest.mark.parametrize("status", [401, 405])
def test_a_genuine_401_of_such_an_upstream_is_neither_a_loop_nor_a_yes(office: Office, status: int) -> None:
    office.registry.before = headless(status)
    assert office.ask(office.blob).status_code == 200
    office.registry.asked.clear()

    for path in (TAG, office.blob):
        for headers in (None, {"Authorization": "Basic d3Jvbmc6d3Jvbmc="}):
            assert office.ask(path, headers=headers).status_code == 401

    assert len(office.registry.asked) <= 8


def test_a_401_to_the_head_of_an_upstream_that_answers_head_is_believed_at_once(office: Office) -> None:
    assert office.ask(office.blob).status_code == 200
    office.registry.asked.clear()

    assert office.ask(office.blob, headers=None).status_code == 401

    assert office.registry.heard("/blobs/") == ["HEAD"]


def test_a_signed_url_of_a_format_that_nobody_knows_opens_what_it_is_for_until_it_expires(office: Office) -> None:
    key = b"of the origin alone"

    def sign(path: str, expires: float) -> str:
        return f"expires={expires:.3f}&sig={hmac.digest(key, f'{path}{expires:.3f}'.encode(), 'sha256').hex()}"

    def signed(asked: Asked) -> Answer | None:
        path, _, query = asked.target.partition("?")
        expires = query.partition("expires=")[2].partition("&")[0]
        if not expires or float(expires) < time.time() or query != sign(path, float(expires)):
            return 403, {}, b""
        return None

    office.registry.readers, office.registry.before = {""}, signed
    until = time.time() + 2
    url = f"{office.blob}?{sign(office.blob, until)}"

    assert office.ask(url, headers=None).content == LAYER
    eventually(lambda: office.cache.is_stored(office.layer))
    assert office.ask(url, headers=None).headers["Cache-Status"] == "dtr-content-cache; hit"
    for query in (
        "",
        sign(office.blob, until + 100)[:-1] + "x",
        f"expires={until + 100:.3f}",
        url.partition("?")[2] + "0",
    ):
        assert office.ask(f"{office.blob}?{query}", headers=None).status_code == 403
    eventually(lambda: office.ask(url, headers=None).status_code == 403)


@pytest.mark.parametrize(
    ("link", "seen"),
    [
        ('</v2/org/app/tags/list?last=1.0&n=1>; rel="next"', '</v2/org/app/tags/list?last=1.0&n=1>; rel="next"'),
        ('<{url}/v2/org/app/tags/list?last=1.0&n=1>; rel="next"', '</v2/org/app/tags/list?last=1.0&n=1>; rel="next"'),
        ('<?last=1.0>; rel="next"', '<?last=1.0>; rel="next"'),
        ('<https://elsewhere.test/v2/org/app/tags/list?last=1.0>; rel="next"', None),
        ('<//elsewhere.test/v2/org/app/tags/list>; rel="next"', None),
        ("nonsense", None),
    ],
)
def test_the_next_page_is_asked_of_the_cache(office: Office, link: str, seen: str | None) -> None:
    def paged(asked: Asked) -> Answer | None:
        body = b'{"name":"org/app","tags":["1.0"]}'
        return 200, {"Content-Type": "application/json", "Link": link.format(url=office.registry.url)}, body

    office.registry.before = paged

    answer = office.ask("/v2/org/app/tags/list?n=1")

    assert answer.json()["tags"] == ["1.0"]
    assert answer.headers.get("Link") == seen
    assert office.registry.asked[-1].target == "/v2/org/app/tags/list?n=1"


def test_referrers_pass_with_their_filter(office: Office) -> None:
    index = b'{"schemaVersion":2,"manifests":[]}'

    def referrers(asked: Asked) -> Answer:
        fields = {"Content-Type": "application/vnd.oci.image.index.v1+json", "OCI-Filters-Applied": "artifactType"}
        return 200, fields, index

    office.registry.before = referrers

    answer = office.ask(f"/v2/org/app/referrers/{office.manifest}?artifactType=x/y")

    assert (answer.content, answer.headers["OCI-Filters-Applied"]) == (index, "artifactType")
    assert office.registry.asked[-1].target.endswith("?artifactType=x/y")


def test_a_registry_that_keeps_manifests_elsewhere_too_is_followed_without_credentials(tmp_path: Path) -> None:
    with Registry() as elsewhere, Registry({USER["Authorization"]}) as front:
        manifest, layer = elsewhere.push("1.0", LAYER)
        front.before = lambda asked: (307, {"Location": elsewhere.url + asked.target}, b"")
        options = {"authorization": "upstream", "verdictttl": "0s", "redirecthosts": [elsewhere.host]}
        with inner_cache(tmp_path, [front.url], **options) as cache:
            office = Office(front, cache, manifest, layer)

            assert hashlib.sha256(office.ask(TAG).content).hexdigest() == manifest.partition(":")[2]
            assert office.ask(office.blob).content == LAYER

        assert elsewhere.asked
        assert not [asked for asked in elsewhere.asked if asked.authorization]


def test_a_list_that_trickles_is_an_upstream_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)
    monkeypatch.setattr(upstream_answers, "WITHIN_S", 0.3)

    def trickle(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=60_000)
        while not answering.upstream.release.wait(0.02):
            answering.sock.sendall(b" ")

    with Upstream() as upstream, inner_cache(tmp_path, [upstream.url], authorization="upstream") as cache:
        upstream.blobs["list"], upstream.always_of["list"] = b"", trickle

        assert requests.get(f"{cache.url}/v2/org/app/tags/list", timeout=30).status_code == 503
