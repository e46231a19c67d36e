"""A region of three hosts, with a child: what concerns all of them waits for the last one in the inventory's order.

The tests are the days of one operator and run in this order. China is never deployed. A set has another order in each
run of Python; the seeds here are those that shuffle these hosts."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from doubles.ports import free_port
from offices import PASSWORDS
from offices_world import APP, World

pytestmark = pytest.mark.timeout(1500)

HOSTS = ("a1", "a2", "a3")
ASIA = ("--limit", "asia")
A1_LAST, A2_FIRST = 1, 3  # seeds: {"a1", "a2", "a3"} comes as a3, a2, a1 with one of them, as a2, a1, a3 with the other

# An ssh that goes no further than this machine, and not even that far while a file named like the host is there.
NEAR_SSH = """#!/bin/sh
for word; do host=$command; command=$word; done
if [ -e {away}/"$host" ]; then echo "ssh: connect to host $host: No route to host" >&2; exit 255; fi
exec /bin/sh -c "$command"
"""


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a file makes the host of its name unreachable."""
    return tmp_path_factory.mktemp("away")


@pytest.fixture(scope="module")
def world(world_of: Callable[..., World], away: Path) -> World:
    world = world_of("asia", "china")
    world.spread("asia", *HOSTS)
    near_ssh = away.parent / "near-ssh"
    near_ssh.write_text(NEAR_SSH.format(away=away), encoding="utf-8")
    near_ssh.chmod(0o755)
    reached = {"ansible_connection": "ssh", "ansible_ssh_executable": str(near_ssh),
               "ansible_ssh_transfer_method": "piped"}
    hosts = world.hosts("asia")
    world.set_hosts("asia", **{host: known | reached | {
        "content_cache_node_url": f"https://127.0.0.1:{known['cache_host_port']}"} for host, known in hosts.items()})
    world.authority.issue("region-asia")
    world.set("asia", content_cache_name="region-asia", cache_host_steady_for=0, content_cache_verify_days=0,
              content_cache_verify_username="alice", content_cache_verify_password=PASSWORDS["alice"],
              content_cache_verify_image=f"{APP}:1.0")
    return world


@contextmanager
def sick(world: World, host: str) -> Iterator[None]:
    """What its cache is told to watch does not answer, so it runs and says that it is not healthy."""
    hosts = world.hosts("asia")
    watch = {"addr": f"127.0.0.1:{free_port()}", "interval": "1s", "threshold": 1, "timeout": "1s"}
    strange = {"cache_host_debug_port": free_port(), "cache_host_config_extra": {"health": {"tcp": [watch]}}}
    world.set_hosts("asia", **hosts | {host: hosts[host] | strange})
    try:
        yield
    finally:
        world.set_hosts("asia", **hosts)


def test_dtr_learns_nothing_of_a_region_whose_last_host_does_not_become_healthy(world: World) -> None:
    world.hash_seed = A1_LAST
    with sick(world, "a3"):
        failed = world.play("deploy-caches.yml", *ASIA, cache_host_healthy_within=3)
    assert failed.code != 0
    assert "a3: the cache was not deployed" in failed.sentence
    assert (world.writes(), world.registered(), world.uses()) == ([], {}, {})


def test_the_last_host_that_becomes_healthy_lets_dtr_learn_the_region(world: World) -> None:
    done = world.play("deploy-caches.yml", *ASIA).succeeded()
    assert ("a3", "Register the cache with DTR") in done.changed
    assert world.registered() == {"region-asia": world.regions["asia"].url}
    assert world.uses() == {"alice": "region-asia"}


def test_dtr_learns_nothing_new_of_a_region_of_which_a_host_was_lost_meanwhile(world: World, away: Path) -> None:
    world.set("asia", content_cache_accounts=["alice", "admin"])
    world.writes()
    with world.at("See that the cache is healthy, where this run has not just done so", f"touch {away}/a2"):
        failed = world.play("deploy-caches.yml", *ASIA, "--tags", "cache_registration", content_cache_batches=["100%"])
    (away / "a2").unlink()
    assert failed.code != 0
    assert "region asia: found that a2 did not come to the end" in failed.sentence
    assert (world.writes(), world.uses()) == ([], {"alice": "region-asia"})
    world.set("asia", content_cache_accounts=["alice"])


def test_a_region_is_verified_by_a_pull_though_hosts_of_it_are_out_of_reach(world: World, away: Path) -> None:
    world.hash_seed = A2_FIRST
    (away / "a2").touch()
    told = world.play("verify-caches.yml", *ASIA)
    (away / "a2").unlink()
    assert told.code != 0
    assert {one["host"] for one in told.events if one["kind"] == "unreachable"} == {"a2"}
    pulls = [one for one in told.events if one["task"] == "Pull as somebody of the region" and one["kind"] == "ok"]
    assert [one["host"] for one in pulls] == ["a1"]
    assert pulls[0]["results"][0]["totals"]["blobs"] == 4


def test_a_region_whose_address_is_dead_is_found_by_verify_with_check_too(world: World) -> None:
    world.stop_cache("a1")
    told = world.play("verify-caches.yml", *ASIA, "--check")
    assert told.code != 0
    pulls = [one for one in told.events if one["task"] == "Pull as somebody of the region"]
    [pull] = [one for one in pulls if one["kind"] == "ignored"]
    assert world.regions["asia"].url in pull["msg"]


def test_without_a_limit_no_cache_is_retired_unless_all_of_them_are_meant(world: World) -> None:
    world.writes()
    refused = world.play("retire-caches.yml")
    assert refused.code != 0
    assert "wanted --limit" in refused.sentence
    assert "content_cache_retire_all=true" in refused.sentence
    assert (refused.changed, world.writes()) == (set(), [])
    meant = world.play("retire-caches.yml", "--check", content_cache_retire_all=True).succeeded()
    assert {host for host, _task in meant.changed} >= set(HOSTS)


@pytest.mark.parametrize(("limit", "successor", "words"), [
    ("china", "mars", "found 'mars', which DTR knows no cache for"),
    ("asia,china", "asia", "found 'asia', which is retired in this run"),
])
def test_accounts_get_no_successor_that_dtr_does_not_know_or_that_goes_itself(
    world: World, limit: str, successor: str, words: str
) -> None:
    refused = world.play("retire-caches.yml", "--limit", limit, content_cache_successor=successor)
    assert words in " ".join(refused.sentence.split())
    assert (refused.changed, world.writes()) == (set(), [])


def dtr_remembers(world: World, cache: str, *accounts: str) -> None:
    """A cache that was never deployed, with its accounts."""
    path = world.dtr.state / "registrations.json"
    world.dtr.stop()
    known = json.loads(path.read_text(encoding="utf-8"))
    there = {"id": str(uuid.uuid4()), "name": cache, "host": world.regions[cache].url}
    known["caches"].append(known["caches"][0] | there)
    known["settings"] |= dict.fromkeys(accounts, there["id"])
    path.write_text(json.dumps(known), encoding="utf-8")
    world.dtr.start()


def test_a_successor_may_be_told_by_its_regions_name(world: World) -> None:
    dtr_remembers(world, "china", "chen", "mallory")
    world.play("retire-caches.yml", "--limit", "china", content_cache_successor="asia").succeeded()
    assert world.uses() == {"alice": "region-asia", "chen": "region-asia", "mallory": "region-asia"}


def test_one_host_of_three_goes_and_the_region_stays_and_who_pulled_from_that_host_is_named(world: World) -> None:
    world.writes()
    done = world.play("retire-caches.yml", "--limit", "a3").succeeded()
    node = world.hosts("asia")["a3"]["content_cache_node_url"]
    told = done.said("Say which regions still pull from the host")
    assert f"china still pulls from {node}: take a3 out of the inventory" in told
    assert (world.writes(), (world.home / "a3").exists(), (world.home / "a2").exists()) == ([], False, True)
    assert world.registered() == {"region-asia": world.regions["asia"].url}


def test_a_host_that_is_dead_keeps_no_other_from_going_and_is_cleaned_when_it_is_back(
    world: World, away: Path
) -> None:
    (away / "a2").touch()
    part = world.play("retire-caches.yml", "--limit", "asia,china")
    (away / "a2").unlink()
    assert part.code != 0
    told = " ".join(part.sentence.split())
    assert "a2: cannot be reached, so the cache there was not removed" in told
    assert "run it again with --limit 'a2'" in told
    assert (world.registered(), world.uses()) == ({}, {})
    assert [host for host in HOSTS if (world.home / host).exists()] == ["a2"]
    world.play("retire-caches.yml", "--limit", "a2").succeeded()
    assert not (world.home / "a2").exists()
    assert world.play("retire-caches.yml", "--limit", "asia").succeeded().changed == set()
