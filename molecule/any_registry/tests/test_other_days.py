"""A tag moves; a registry is down, and comes back. Docker pulls by the cache's address, as Alice.

The cache stands in for the registry with htpasswd (`offline: serve`), and not for the one with tokens.
"""

from __future__ import annotations

import pytest
from desk import CLIENTS, DESK
from registries import HTPASSWD

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
    """While the registry is down: Alice's pull of what she pulled before, and what the cache tells her and Mallory."""
    # What an upstream said counts for whoever asks the same again, and asked it before.
    assert registry.ask_cache(lab, f"manifests/{MOVING}", "alice").status_code == 200
    registry.control(lab, "stop")
    told = [registry.ask_cache(lab, f"manifests/{MOVING}", account) for account in ("alice", "mallory")]
    pull = _pull(lab, registry, MOVING)
    registry.control(lab, "start")
    return pull, *told


def test_a_tag_that_moved_is_seen_at_once(moved):
    (before, old), (after, new) = moved
    assert old != new
    assert f"Digest: {old}" in before.stdout, before.stderr
    assert f"Digest: {new}" in after.stdout, after.stderr


def test_a_registry_that_is_down_is_said_to_be_or_its_last_word_counts_as_the_operator_chose(down, registry, moved):
    pull, answer, _ = down
    if registry is HTPASSWD:  # offline: serve
        assert pull.rc == 0, pull.stderr
        assert answer.status_code == 200
        assert answer.headers["Docker-Content-Digest"] == moved[-1][1]
        assert "Response is Stale" in answer.headers["Warning"]
    else:
        assert pull.rc != 0
        assert answer.status_code == 503
        assert answer.json()["errors"][0]["code"] == "UNAVAILABLE"


def test_who_had_no_rights_has_none_while_the_registry_is_down(down):
    _, _, answer = down
    assert answer.status_code >= 400


def test_no_client_is_told_the_registrys_address_when_it_is_down(down, registry):
    for answer in down[1:]:
        assert registry.address.partition(":")[0] not in answer.text


def test_when_it_is_back_pulls_succeed_again(lab, registry, down):
    lab.wait_for(lambda: _pull(lab, registry, MOVING).rc == 0, seconds=60)
