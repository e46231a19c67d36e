"""A change of address that broke off leaves two caches of one name, or, where DTR refuses those, one of a longer name.

What a deployment finishes then, --check foretells, and a retirement takes away. The tests are the days of one office
and run in this order."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest
from offices_world import World

pytestmark = pytest.mark.timeout(1500)

FORMER, BRIDGE, HAVEN = "https://former.example.com:5000", "asia-being-replaced", "https://haven.example.com:5000"
REGISTER, POINT = ("cache-asia", "Register the cache with DTR"), ("cache-asia", "Point the accounts at the cache")


@pytest.fixture(scope="module")
def world(world_of: Callable[..., World]) -> World:
    world = world_of("asia")
    world.play("deploy-caches.yml").succeeded()
    return world


def dtr_holds(world: World, *caches: tuple[str, str], **used: int) -> None:
    """DTR knows these caches (name, address) alone, and each account uses the one of that number."""
    path = world.dtr.state / "registrations.json"
    world.dtr.stop()
    known = json.loads(path.read_text(encoding="utf-8"))
    known["caches"] = [{"id": f"id-{at}", "name": name, "host": host} for at, (name, host) in enumerate(caches)]
    known["settings"] = {account: f"id-{at}" for account, at in used.items()}
    path.write_text(json.dumps(known), encoding="utf-8")
    world.dtr.start()
    world.writes()


@pytest.mark.parametrize("accounts", [["alice"], ["alice", "chen"]])
@pytest.mark.parametrize("left", ["twins", "bridge"])
def test_what_a_deployment_finishes_is_foretold(world: World, left: str, accounts: list[str]) -> None:
    """Alice moves with the registration; chen, whom the inventory lists, too, has used no cache so far."""
    url = world.regions["asia"].url
    dtr_holds(world, *{"twins": [("asia", FORMER), ("asia", url)], "bridge": [(BRIDGE, url)]}[left], alice=0)
    world.set("asia", content_cache_accounts=accounts)
    words = ("deploy-caches.yml", "--tags", "cache_registration")
    foretold = world.play(*words, "--check").succeeded()
    assert world.writes() == []
    assert foretold.changed == ({REGISTER, POINT} if "chen" in accounts else {REGISTER})
    done = world.play(*words).succeeded()
    assert done.changed == foretold.changed
    assert (world.registered(), world.uses()) == ({"asia": url}, dict.fromkeys(accounts, "asia"))


@pytest.mark.parametrize("left", ["twins", "bridge"])
def test_a_retirement_takes_all_of_it_away_and_nobody_misses_the_successor(world: World, left: str) -> None:
    other: Mapping[str, tuple[str, str]] = {"twins": ("asia", FORMER), "bridge": (BRIDGE, FORMER)}
    dtr_holds(world, ("asia", world.regions["asia"].url), other[left], ("haven", HAVEN), alice=0, chen=1)
    words = ("retire-caches.yml", "--limit", "asia")
    foretold = world.play(*words, "--check", content_cache_successor="haven").succeeded()
    assert world.writes() == []
    done = world.play(*words, content_cache_successor="haven").succeeded()
    assert done.changed == foretold.changed
    assert (world.registered(), world.uses()) == ({"haven": HAVEN}, {"alice": "haven", "chen": "haven"})
