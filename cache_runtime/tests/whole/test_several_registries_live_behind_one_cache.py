"""`registries`: one cache and volume, several registries; credentials and rights stay with the one that was meant."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.inner_cache import InnerCache, inner_cache
from doubles.registry import Registry
from doubles.running_cache import eventually
from dtr_content_cache.delivery import attempts

LAYER = b"a layer" * 20_000
BEARER = "Bearer canary-of-the-left-alone"
CANARY = "Basic " + base64.b64encode(b"canary:of-the-left-alone").decode()


@dataclass
class Office:
    left: Registry
    right: Registry
    cache: InnerCache
    layer: str

    def ask(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        return requests.request(method, self.cache.url + path, headers=headers, timeout=30)

    def blob(self, path: str, **headers: str) -> requests.Response:
        before, _, query = path.partition("?")
        return self.ask(f"{before}/blobs/{self.layer}" + (f"?{query}" if query else ""), **headers)


def behind(folder: Path, left: Registry, right: Registry, upstreams: list[str] | None = None) -> Any:
    registries = [
        {"name": "left", "ns": ["left.test", "left.test:5000"], "hosts": ["left.cache.test"], "upstreams": [left.url]},
        {"name": "right", "upstreams": [right.url]},
    ]
    options = {"authorization": "upstream", "verdictttl": "60s", "registries": registries}
    return inner_cache(folder, upstreams, **options)  # type: ignore[arg-type]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)
    with ExitStack() as stack:
        left, right = stack.enter_context(Registry()), stack.enter_context(Registry())
        for registry in (left, right):
            _, layer = registry.push("1.0", LAYER)
        right.push("1.0", b"the right one's own")
        yield Office(left, right, stack.enter_context(behind(tmp_path, left, right)), layer)


@pytest.mark.parametrize(
    ("path", "headers", "side"),
    [
        ("/v2/left/org/app/manifests/1.0", {}, "left"),
        ("/v2/right/org/app/manifests/1.0", {}, "right"),
        ("/v2/org/app/manifests/1.0?ns=left.test", {}, "left"),
        ("/v2/org/app/manifests/1.0?ns=left.test%3A5000", {}, "left"),
        ("/v2/org/app/manifests/1.0?ns=right", {}, "right"),
        ("/v2/org/app/manifests/1.0", {"Host": "left.cache.test"}, "left"),
        ("/v2/org/app/manifests/1.0", {"Host": "LEFT.cache.test:5000"}, "left"),
    ],
)
def test_a_request_names_its_registry_by_prefix_by_ns_or_by_host(
    office: Office, path: str, headers: dict[str, str], side: str
) -> None:
    meant: Registry = getattr(office, side)
    other = office.right if meant is office.left else office.left

    answer = office.ask(path, **headers)

    assert answer.content == meant.things[meant.tags["1.0"]]
    assert {asked.target.partition("?") for asked in meant.asked} >= {("/v2/org/app/manifests/1.0", "", "")}
    assert other.asked == []


@pytest.mark.parametrize(
    "path",
    [
        "/v2/org/app/manifests/1.0",
        "/v2/middle/org/app/manifests/1.0",
        "/v2/org/app/manifests/1.0?ns=docker.io",
        "/v2/left/org/app/manifests/1.0?ns=docker.io",
        "/v2/org/app/manifests/1.0?ns=left.test&ns=right",
        "/v2/org/app/manifests/1.0?ns=",
    ],
)
def test_what_names_an_unknown_registry_is_answered_by_what_is_known_and_nobody_is_asked(
    office: Office, path: str
) -> None:
    answer = office.ask(path)

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (404, "NAME_UNKNOWN")
    assert error["detail"] == {"prefixes": ["left", "right"], "ns": ["left.test", "left.test:5000", "right"]}
    assert "127.0.0.1" not in answer.text
    assert office.left.asked + office.right.asked == []


def test_credentials_for_one_are_never_heard_by_the_other(office: Office) -> None:
    office.left.readers = {CANARY, BEARER}
    for path, headers in (
        ("/v2/org/{}?ns=left.test", {"Authorization": CANARY}),
        ("/v2/org/{}", {"Authorization": CANARY, "Host": "left.cache.test"}),
        ("/v2/left/org/{}", {"Authorization": BEARER}),
    ):
        for repository in ("app", "other"):
            before, _, query = path.format(repository).partition("?")
            for what in ("manifests/1.0", "tags/list", f"blobs/{office.layer}"):
                office.ask(f"{before}/{what}?{query}".rstrip("?"), **headers)
    office.ask("/v2/left/", Authorization=BEARER)
    office.blob("/v2/right/org/app")
    office.left.stop()
    office.blob("/v2/org/app?ns=left.test", Authorization=CANARY, Range="bytes=1-2")
    office.ask("/v2/left/org/app/manifests/1.0", Authorization=BEARER)
    office.left.start()

    assert {asked.authorization for asked in office.left.asked} == {CANARY, BEARER}
    assert {asked.authorization for asked in office.right.asked} == {""}
    assert "canary" not in str(office.right.asked)


def test_a_password_for_the_caches_common_name_is_for_none_of_its_registries(office: Office) -> None:
    for path in ("/v2/left/org/app/manifests/1.0", "/v2/left/org/app/tags/list", "/v2/left/"):
        office.ask(path, Authorization=CANARY)
    office.blob("/v2/right/org/app", Authorization=CANARY)

    assert {asked.authorization for asked in office.left.asked + office.right.asked} == {""}


def test_a_blob_that_came_through_one_is_given_through_another_only_by_its_own_yes(office: Office) -> None:
    assert office.blob("/v2/left/org/app").content == LAYER
    eventually(lambda: office.cache.is_stored(office.layer))
    office.right.readers = {CANARY}

    refused = office.blob("/v2/right/org/app")
    allowed = office.blob("/v2/org/app?ns=right", Authorization=CANARY)

    assert refused.status_code == 401
    assert (allowed.content, allowed.headers["Cache-Status"]) == (LAYER, "dtr-content-cache; hit")
    assert office.right.heard("/blobs/") == ["HEAD", "GET", "HEAD"]  # the second: is its 401 to HEAD meant?
    assert office.blob("/v2/right/org/app").status_code == 401


def test_a_yes_that_is_remembered_for_one_is_none_for_the_other(office: Office) -> None:
    assert office.blob("/v2/org/app?ns=left.test", Authorization=CANARY).status_code == 200
    eventually(lambda: office.cache.is_stored(office.layer))
    office.right.readers = set()

    assert office.blob("/v2/org/app?ns=right", Authorization=CANARY).status_code == 401


def test_a_fill_for_one_is_not_joined_by_a_client_of_the_other(office: Office) -> None:
    answers = [office.blob(path) for path in ("/v2/left/org/app", "/v2/right/org/app")]

    assert [answer.content for answer in answers] == [LAYER] * 2
    for registry in (office.left, office.right):
        assert all(asked.target.startswith("/v2/org/app/") for asked in registry.asked)


def test_hits_of_clients_that_say_ns_take_the_short_way(office: Office) -> None:
    assert office.blob("/v2/org/app?ns=left.test").content == LAYER
    eventually(lambda: office.cache.is_stored(office.layer))
    asked = len(office.left.asked)

    again = office.blob("/v2/org/app?ns=left.test")

    assert (again.content, again.headers["Cache-Status"]) == (LAYER, "dtr-content-cache; hit")
    part = office.blob("/v2/org/app?ns=left.test", Range="bytes=5-9")
    assert (part.status_code, part.content) == (206, LAYER[5:10])
    assert len(office.left.asked) == asked


def test_each_gives_its_own_challenge_where_it_is_named(office: Office) -> None:
    office.left.readers = {CANARY}
    office.left.challenge = f'Bearer realm="{office.left.url}/token",service="left"'

    for path, headers in (("/v2/?ns=left.test", {}), ("/v2/", {"Host": "left.cache.test"}), ("/v2/left/", {})):
        answer = office.ask(path, **headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, office.left.challenge)
    assert office.ask("/v2/").status_code == 200
    assert office.ask("/v2/right/").status_code == 200


def test_a_challenge_is_held_to_the_hosts_of_its_own_registry(office: Office) -> None:
    office.left.readers = {CANARY}
    office.left.challenge = f'Bearer realm="{office.right.url}/token",service="left"'

    answer = office.ask("/v2/left/org/app/manifests/1.0")

    assert answer.status_code == 503
    assert "WWW-Authenticate" not in answer.headers


def test_the_next_page_is_named_as_the_client_names_the_registry(office: Office) -> None:
    next_page = {"Link": '</v2/org/app/tags/list?last=a>; rel="next"', "Content-Type": "application/json"}
    office.left.before = lambda asked: (200, next_page, b'{"tags":["a"]}')

    by_prefix = office.ask("/v2/left/org/app/tags/list")
    by_ns = office.ask("/v2/org/app/tags/list?ns=left.test")

    assert by_prefix.headers["Link"] == '</v2/left/org/app/tags/list?last=a>; rel="next"'
    assert by_ns.headers["Link"] == '</v2/org/app/tags/list?last=a&ns=left.test>; rel="next"'


def test_what_names_none_is_the_unnamed_ones_where_there_is_one(tmp_path: Path) -> None:
    with ExitStack() as stack:
        unnamed, left, right = (stack.enter_context(Registry()) for _ in range(3))
        for number, registry in enumerate((unnamed, left, right)):
            registry.push("1.0", b"layer %d" % number)
        cache = stack.enter_context(behind(tmp_path, left, right, upstreams=[unnamed.url]))
        office = Office(left, right, cache, "")

        for path, meant in (
            ("/v2/org/app/manifests/1.0", unnamed),
            (f"/v2/org/app/manifests/1.0?ns={unnamed.host}", unnamed),
            ("/v2/left/org/app/manifests/1.0", left),
        ):
            assert office.ask(path).content == meant.things[meant.tags["1.0"]]
        for credentials in (CANARY, BEARER):
            office.ask("/v2/org/app/manifests/1.0", Authorization=credentials)
            office.ask("/v2/left/org/app/manifests/1.0", Authorization=credentials)
        assert {CANARY, BEARER} <= {asked.authorization for asked in unnamed.asked}
        assert {asked.authorization for asked in left.asked} == {""}
        unknown = office.ask("/v2/org/app/manifests/1.0?ns=docker.io")
        assert unknown.status_code == 404
        assert unnamed.host not in unknown.text


def test_one_that_is_away_or_limits_changes_nothing_for_the_other(office: Office) -> None:
    office.left.before = lambda asked: (429, {"Retry-After": "60"}, b"")
    assert office.blob("/v2/left/org/app").status_code == 429

    assert office.blob("/v2/right/org/app").content == LAYER


def test_one_that_is_silent_does_not_stop_the_other(office: Office) -> None:
    back = threading.Event()
    office.left.before = lambda asked: back.wait(60) and None
    port = int(office.cache.url.rpartition(":")[2])
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
    try:
        for number, client in enumerate(clients):
            client.sendall(b"GET /v2/left/org/app/manifests/t%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
        eventually(lambda: sum(office.cache.parts.site.in_flight.values()) == len(clients))
        for client in clients:
            client.close()
        eventually(lambda: not any(office.cache.parts.site.in_flight.values()))

        answer = requests.get(f"{office.cache.url}/v2/right/org/app/manifests/1.0", timeout=20)

        assert answer.content == office.right.things[office.right.tags["1.0"]]
    finally:
        back.set()
