"""A tag moves; a registry is down, and comes back. Docker pulls by the cache's address, as Alice."""

from __future__ import annotations

import pytest
from desk import CLIENTS, DESK

DOCKER = next(client for client in CLIENTS if client.name == "docker")
MOVING = "moving"


def _pull(lab, registry, tag):
    """Onto what the desk has, as people do; the result."""
    _, pull = DOCKER.commands(registry, "alice", tag)
    return lab.machine(DESK).run(pull)


@pytest.fixture(scope="module")
def moved(lab, registry):
    """A pull, the tag on another image, a pull; with the digest that the tag had each time."""
    told = []
    for layers in (["32K"], ["48K"]):
        registry.push(lab, MOVING, layers)
        told.append((_pull(lab, registry, MOVING), registry.manifest(lab, MOVING).digest))
    return told


@pytest.fixture(scope="module")
def down(lab, registry, moved):
    """What Docker and a program are told while the registry is down, of an image that the cache has."""
    registry.control(lab, "stop")
    pull, answer = _pull(lab, registry, MOVING), registry.ask_cache(lab, f"manifests/{MOVING}", "alice")
    registry.control(lab, "start")
    return pull, answer


def test_a_tag_that_moved_is_seen_at_once(moved):
    (before, old), (after, new) = moved
    assert old != new
    assert f"Digest: {old}" in before.stdout, before.stderr
    assert f"Digest: {new}" in after.stdout, after.stderr


def test_a_registry_that_is_down_is_said_to_be_down(down):
    pull, answer = down
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["code"] == "UNAVAILABLE"
    assert pull.rc != 0


def test_no_client_is_told_the_registrys_address_when_it_is_down(down, registry):
    _, answer = down
    assert registry.address.partition(":")[0] not in answer.text


def test_when_it_is_back_pulls_succeed_again(lab, registry, down):
    lab.wait_for(lambda: _pull(lab, registry, MOVING).rc == 0, seconds=60)
