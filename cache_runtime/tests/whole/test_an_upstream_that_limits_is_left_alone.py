"""A 429 is heard once, for all who wait: until its time nobody asks that upstream, whoever he is and for whatever."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from doubles.inner_cache import inner_cache
from doubles.registry import Asked, Registry
from doubles.registry_office import RegistryOffice
from doubles.running_cache import eventually
from dtr_content_cache.delivery import attempts

LAYER = b"a layer" * 20_000
TAG = "/v2/org/app/manifests/1.0"


class Office(RegistryOffice):
    def ask(self, path: str) -> requests.Response:
        return requests.get(self.cache.url + path, timeout=30)

    def limit(self, seconds: int, method: str = "") -> None:
        def limited(asked: Asked) -> tuple[int, dict[str, str], bytes] | None:
            return (429, {"Retry-After": str(seconds)}, b"") if method in ("", asked.method) else None

        self.registry.before = limited


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)
    with Registry() as registry, inner_cache(tmp_path, [registry.url], authorization="upstream") as cache:
        yield Office(registry, cache, *registry.push("1.0", LAYER))


@pytest.mark.parametrize("path", ["/v2/", TAG, "/v2/org/app/tags/list", "blob"])
def test_clients_are_told_when_to_come_back_and_the_upstream_hears_of_one_of_them(office: Office, path: str) -> None:
    office.limit(60)
    path = office.blob if path == "blob" else path

    first = office.ask(path)
    with ThreadPoolExecutor(8) as clients:
        others = list(clients.map(office.ask, [TAG, office.blob, "/v2/", path] * 4))

    assert first.status_code == 429
    assert first.headers["Retry-After"] == "60"
    assert {answer.status_code for answer in others} == {429}
    assert all(50 <= int(answer.headers["Retry-After"]) <= 60 for answer in others)
    assert {answer.json()["errors"][0]["code"] for answer in (first, *others)} == {"TOOMANYREQUESTS"}
    assert len(office.registry.asked) == 1


def test_what_is_remembered_and_on_the_volume_is_served_meanwhile(office: Office) -> None:
    assert office.ask(office.blob).content == LAYER
    eventually(lambda: office.cache.is_stored(office.layer))
    office.limit(60)
    assert office.ask(TAG).status_code == 429

    assert office.ask(office.blob).content == LAYER


def test_a_fill_that_is_limited_holds_the_other_questions_too(office: Office) -> None:
    office.limit(60, "GET")
    assert office.ask(office.blob).status_code == 429
    asked = len(office.registry.asked)

    assert office.ask(TAG).status_code == 429

    assert len(office.registry.asked) == asked


def test_when_its_time_has_come_it_is_asked_again(office: Office) -> None:
    office.limit(1)
    with ThreadPoolExecutor(1) as clients:
        waiting = clients.submit(office.ask, TAG)
        eventually(lambda: office.registry.asked)
        office.registry.before = lambda asked: None

        assert waiting.result(20).status_code == 200


def test_another_upstream_is_asked_instead(tmp_path: Path) -> None:
    with (
        Registry() as limiting,
        Registry() as other,
        inner_cache(tmp_path, [limiting.url, other.url], authorization="upstream", verdictttl="0s") as cache,
    ):
        for registry in (limiting, other):
            manifest, layer = registry.push("1.0", LAYER)
        limiting.before = lambda asked: (429, {"Retry-After": "60"}, b"")
        office = Office(limiting, cache, manifest, layer)

        answers = [office.ask(path) for path in (TAG, office.blob, TAG, office.blob)]

        assert [answer.status_code for answer in answers] == [200] * 4
        assert len(limiting.asked) == 1
