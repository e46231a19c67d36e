"""Each client pulls from each registry as Alice, twice; then Mallory tries, who has no rights there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from desk import CLIENTS, DESK, Client
from evidence import Answer, Manifest
from lab import Lab
from registries import OFFICE, Registry


@dataclass(frozen=True)
class Pull:
    result: Any  # testinfra's
    answers: list[Answer]  # of the cache, about blobs
    given: Counter[str]  # by the registry, of each blob


@dataclass(frozen=True)
class Case:
    client: Client
    image: Manifest
    first: Pull
    second: Pull
    refused: Pull  # Mallory's, of what the cache has


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.name)
def case(lab, registry, request) -> Case:
    client = request.param
    image = registry.manifest(lab, client.name)
    first, second = (_pull(lab, registry, client, "alice", client.name, len(image.blobs)) for _ in range(2))
    return Case(client, image, first, second, _pull(lab, registry, client, "mallory", client.name, 0))


def _pull(lab: Lab, registry: Registry, client: Client, account: str, tag: str, answers: int) -> Pull:
    """On a desk that has nothing of the image; waits until the cache wrote as many `answers`."""
    answered, given = len(lab.blob_answers(OFFICE)), registry.blobs_given(lab)
    forget, pull = client.commands(registry, account, tag)
    lab.machine(DESK).run(forget)
    result = lab.machine(DESK).run(pull)
    lab.wait_for(lambda: result.rc or len(lab.blob_answers(OFFICE)) >= answered + answers)
    return Pull(result, lab.blob_answers(OFFICE)[answered:], registry.blobs_given(lab) - given)


def test_the_first_pull_comes_through_the_cache_and_each_blob_leaves_the_registry_once(case):
    assert case.first.result.rc == 0, case.first.result.stderr
    assert {answer.digest: answer.bytes for answer in case.first.answers} == case.image.blobs
    assert case.first.given == dict.fromkeys(case.image.blobs, 1)


def test_the_second_pull_is_served_by_the_cache_and_no_byte_leaves_the_registry(case):
    assert case.second.result.rc == 0, case.second.result.stderr
    assert {answer.digest: answer.bytes for answer in case.second.answers} == case.image.blobs
    assert {answer.cache for answer in case.second.answers} == {"hit"}
    assert not case.second.given


def test_an_account_without_rights_gets_no_byte_of_what_the_cache_has(case):
    assert case.refused.result.rc != 0, case.refused.result.stdout
    assert [answer for answer in case.refused.answers if answer.status < 400] == []
    assert not case.refused.given


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_an_account_without_rights_gets_no_byte_of_what_the_cache_has_not(lab, registry, client):
    pull = _pull(lab, registry, client, "mallory", "unpulled", 0)
    assert pull.result.rc != 0, pull.result.stdout
    assert [answer for answer in pull.answers if answer.status < 400] == []
    assert not pull.given


def _paths(manifest, tag):
    """Of an image, all that can be asked for."""
    return [f"manifests/{tag}", f"manifests/{manifest.digest}", *(f"blobs/{digest}" for digest in manifest.blobs)]


@pytest.mark.parametrize("account", ["", "mallory"])
def test_who_asks_the_cache_itself_is_refused_what_the_registry_refuses(lab, registry, account):
    had, had_not = (_paths(registry.manifest(lab, tag), tag) for tag in ("docker", "unpulled"))
    assert {registry.ask_cache(lab, path, "alice").status_code for path in had} == {200}
    assert {registry.ask_cache(lab, path, account).status_code for path in had + had_not} <= {401, 403}
