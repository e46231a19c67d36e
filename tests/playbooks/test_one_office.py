"""One office from the first look to the last: what --check foretells is what happens, and nothing else ever does.

The tests are the days of one office and run in this order."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from authority import OfficeAuthority
from offices_world import HTTP_SECRET, World, program

pytestmark = pytest.mark.timeout(1500)

SICK = """#!/bin/sh
# A version that can do all but serve.
case "$1" in
    --version) echo "dtr-content-cache 99.0"; exit 0 ;;
    --check) exec {program} "$@" ;;
    *) echo "a last word of the sick one" >&2; exit 1 ;;
esac
"""

# One that serves for three seconds.
DIES_YOUNG = """#!/bin/sh
case "$1" in
    --version) echo "dtr-content-cache 99.1"; exit 0 ;;
    --*) exec {program} "$@" ;;
    *) exec timeout --signal=KILL 3 {program} "$@" ;;
esac
"""
# One that ends at once, and leaves somebody on the port.
LEAVES_A_LISTENER = """#!/bin/sh
case "$1" in
    --version) echo "dtr-content-cache 99.2"; exit 0 ;;
    --*) exec {program} "$@" ;;
esac
{python} -c '
import os, socket, sys, time
listener = socket.create_server(("127.0.0.1", {port}))
print(os.getpid(), file=open("{holder}", "w"), flush=True)
time.sleep(600)' >/dev/null 2>&1 </dev/null &
while [ ! -s {holder} ]; do sleep 0.1; done
exit 1
"""
EVERY_CACHE = {"content_cache_retire_all": True}
# One that hands its work to a process that nobody knows of, and ends.
LEAVES_ITS_WORK = """#!/bin/sh
case "$1" in
    --version) echo "dtr-content-cache 99.3"; exit 0 ;;
    --*) exec {program} "$@" ;;
esac
setsid sh -c 'echo $$ >{holder}; exec {program} "$1"' sh "$1" >/dev/null 2>&1 </dev/null &
echo "a last word of the one that left"
exit 1
"""


@pytest.fixture(scope="module")
def world(world_of: Callable[..., World]) -> World:
    return world_of("asia")


def foretold_and_done(world: World, *options: str) -> set[tuple[str, str]]:
    """Foretell a deployment, then make it; both must name the same changes. These."""
    world.writes()
    before, pid = world.files("asia"), world.pid("asia")
    foretold = world.play("deploy-caches.yml", "--check", *options).succeeded()
    assert (world.writes(), world.files("asia") == before, world.pid("asia")) == ([], True, pid)
    done = world.play("deploy-caches.yml", *options).succeeded()
    assert foretold.changed == done.changed
    return done.changed


def test_a_first_deployment_is_foretold_exactly(world: World) -> None:
    changed = foretold_and_done(world)
    assert {task for _host, task in changed} == {
        "Say that the release is another one", "Make the folder of the blobs", "Start the process",
        "Register the cache with DTR", "Point the accounts at the cache"}
    assert world.pid("asia")
    assert world.registered() == {"asia": world.regions["asia"].url}
    assert world.uses() == {"alice": "asia"}


def test_a_second_deployment_changes_nothing_and_writes_nothing_to_dtr(world: World) -> None:
    world.writes()
    files, pid = world.files("asia"), world.pid("asia")
    again = world.play("deploy-caches.yml", "--diff").succeeded()
    assert again.changed == set()
    assert (world.writes(), world.files("asia"), world.pid("asia")) == ([], files, pid)


def test_a_release_that_a_controller_left_when_it_died_goes_with_the_next_deployment(world: World) -> None:
    files, pid = world.files("asia"), world.pid("asia")
    (releases,) = (world.home / "asia").rglob("releases")
    shutil.copytree(next(releases.iterdir()), releases / "0123456789ab-cdef01234567")
    again = world.play("deploy-caches.yml", "--diff").succeeded()
    assert again.changed == set()
    assert (world.files("asia"), world.pid("asia")) == (files, pid)


def test_a_changed_option_shows_its_difference_and_no_secret(world: World) -> None:
    proxy = {"HTTPS_PROXY": f"http://office:{HTTP_SECRET}@127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    world.set("asia", cache_host_blob_ttl="48h", cache_host_http_secret=None, cache_host_environment=proxy)
    pid = world.pid("asia")
    changed = foretold_and_done(world, "--diff")
    holding = [path for path in (world.home / "asia").rglob("*") if path.is_file()
               and HTTP_SECRET.encode() in path.read_bytes()]
    assert [(path.name, path.stat().st_mode & 0o077) for path in holding] == [("environment", 0)]
    assert {task for _host, task in changed} == {"Compare the configuration", "Stop what runs", "Start the process"}
    assert world.pid("asia") not in (None, pid)


def test_a_renewed_certificate_is_read_by_the_running_process(world: World) -> None:
    OfficeAuthority.issue(world.authority, "asia")
    pid = world.pid("asia")
    changed = foretold_and_done(world, "--diff")
    assert ("cache-asia", "Let the process read its files again") in changed
    assert not any("Start" in task or "Stop" in task for _host, task in changed)
    assert world.pid("asia") == pid


def test_a_wrong_authority_of_dtr_is_found_before_anybody_notices(world: World, tmp_path: Path) -> None:
    """The cache would live on what it remembers; the deployment asks for more, and puts back what was there."""
    foreign = OfficeAuthority(tmp_path).ca_path
    world.writes()
    files, pid = world.files("asia"), world.pid("asia")
    failed = world.play("deploy-caches.yml", cache_host_cas=[str(foreign)], cache_host_healthy_within=3)
    assert failed.code != 0
    assert "cache-asia: the cache was not deployed" in failed.sentence
    assert "The host runs what it ran before." in failed.sentence
    assert (world.writes(), world.files("asia"), world.pid("asia")) == ([], files, pid)


def test_a_version_that_does_not_become_healthy_gives_way_to_the_one_before(world: World, tmp_path: Path) -> None:
    sick = tmp_path / "sick"
    sick.write_text(SICK.format(program=program("dtr-content-cache")), encoding="utf-8")
    sick.chmod(0o755)
    world.writes()
    files, pid = world.files("asia"), world.pid("asia")
    failed = world.play("deploy-caches.yml", cache_host_command=str(sick), cache_host_healthy_within=3)
    assert failed.code != 0
    assert "a last word of the sick one" in failed.sentence
    assert "The host runs what it ran before." in failed.sentence
    now = world.files("asia")
    assert {name: text for name, text in now.items() if name != "cache.pid"} == {
        name: text for name, text in files.items() if name != "cache.pid"}
    assert world.pid("asia") not in (None, pid)
    assert world.writes() == []


def another_version(path: Path, text: str, **told: object) -> str:
    path.write_text(text.format(program=program("dtr-content-cache"), python=sys.executable, **told), encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_a_version_that_dies_seconds_after_it_was_healthy_gives_way_too(world: World, tmp_path: Path) -> None:
    young = another_version(tmp_path / "young", DIES_YOUNG)
    failed = world.play("deploy-caches.yml", cache_host_command=young, cache_host_healthy_within=6)
    assert failed.code != 0
    assert "The host runs what it ran before." in failed.sentence
    assert world.pid("asia")


def test_a_host_that_gets_nothing_back_is_told_of_as_what_it_is(world: World, tmp_path: Path) -> None:
    holder, port = tmp_path / "holder.pid", world.regions["asia"].port
    leaves = another_version(tmp_path / "leaves", LEAVES_A_LISTENER, port=port, holder=holder)
    failed = world.play("deploy-caches.yml", cache_host_command=leaves, cache_host_healthy_within=2)
    os.kill(int(holder.read_text(encoding="ascii")), signal.SIGKILL)
    assert failed.code != 0
    assert "Going back failed, too, and no cache answers on this host now" in failed.sentence
    assert "The host runs what it ran before." not in failed.sentence
    world.play("deploy-caches.yml").succeeded()
    assert world.pid("asia")


def test_a_cache_that_ended_is_not_healthy_because_somebody_else_answers(world: World, tmp_path: Path) -> None:
    holder = tmp_path / "worker.pid"
    leaves = another_version(tmp_path / "leaves", LEAVES_ITS_WORK, holder=holder)
    failed = world.play("deploy-caches.yml", cache_host_command=leaves, cache_host_steady_for=0)
    os.kill(int(holder.read_text(encoding="ascii")), signal.SIGKILL)
    assert failed.code != 0
    assert "does not run, whoever answers" in failed.sentence
    assert "a last word of the one that left" in failed.sentence
    world.play("deploy-caches.yml").succeeded()
    assert world.pid("asia")


def test_another_folder_is_refused_while_the_cache_of_the_former_one_runs(world: World) -> None:
    files, pid = world.files("asia"), world.pid("asia")
    elsewhere = str(world.home / "elsewhere")
    failed = world.play("deploy-caches.yml", cache_host_directory=elsewhere)
    assert failed.code != 0
    assert f"somebody else listens on port {world.regions['asia'].port} of this host already" in failed.sentence
    assert "FORMER_DIRECTORY/current/service stop" in failed.sentence
    assert (failed.changed, world.files("asia"), world.pid("asia")) == (set(), files, pid)
    assert not (world.home / "elsewhere").exists()


def test_a_wrong_option_is_one_sentence_and_nothing_is_touched(world: World) -> None:
    files, pid = world.files("asia"), world.pid("asia")
    failed = world.play("deploy-caches.yml", cache_host_blob_ttl="a day", cache_host_prot=1)
    assert failed.code != 0
    assert failed.sentence.splitlines() == [
        "cache_host_prot: there is no such option; did you mean cache_host_port?",
        "cache_host_blob_ttl: found 'a day', wanted a duration with its unit, for example 24h, 90m or 30s."]
    assert (failed.changed, world.files("asia"), world.pid("asia")) == (set(), files, pid)


def test_a_configuration_that_the_cache_itself_refuses_is_foretold_too(world: World) -> None:
    wrong = {"log": {"level": "loud"}}
    world.set("asia", cache_host_config_extra=wrong, cache_host_http_secret=HTTP_SECRET)
    files, pid = world.files("asia"), world.pid("asia")
    failed = world.play("deploy-caches.yml", "--check", "--diff")
    assert failed.code != 0
    assert "log.level: found 'loud', wanted error, warn, info or debug" in failed.sentence
    assert "Nothing was changed (--check)." in failed.sentence
    assert (world.files("asia"), world.pid("asia")) == (files, pid)
    world.set("asia", cache_host_config_extra=None, cache_host_http_secret=None)


def test_the_accounts_alone_follow_the_inventory_when_a_person_asks_for_that_part(world: World) -> None:
    world.set("asia", content_cache_accounts=["alice", "chen"], cache_host_blob_ttl="72h")
    pid = world.pid("asia")
    done = world.play("deploy-caches.yml", "--tags", "cache_registration").succeeded()
    assert done.changed == {("cache-asia", "Point the accounts at the cache")}
    assert (world.uses(), world.pid("asia")) == ({"alice": "asia", "chen": "asia"}, pid)
    world.set("asia", cache_host_blob_ttl="48h")


def test_the_accounts_alone_are_not_pointed_at_a_cache_that_is_down(world: World) -> None:
    subprocess.run([str(world.home / "asia/current/service"), "stop"], check=True, timeout=60)
    world.set("asia", content_cache_accounts=["alice", "chen", "mallory"])
    failed = world.play("deploy-caches.yml", "--tags", "cache_registration", cache_host_healthy_within=2)
    assert failed.code != 0
    assert world.uses() == {"alice": "asia", "chen": "asia"}


def test_a_cache_that_somebody_stopped_is_started_by_the_next_deployment(world: World) -> None:
    world.set("asia", content_cache_accounts=["alice", "chen"])
    assert {task for _host, task in world.play("deploy-caches.yml").succeeded().changed} == {"Start the process"}
    assert world.pid("asia")


def test_retirement_is_foretold_and_leaves_neither_account_nor_file_nor_process(world: World) -> None:
    world.writes()
    pid = world.pid("asia")
    foretold = world.play("retire-caches.yml", "--check", **EVERY_CACHE).succeeded()
    assert (world.writes(), world.pid("asia")) == ([], pid)
    done = world.play("retire-caches.yml", **EVERY_CACHE).succeeded()
    assert foretold.changed == done.changed
    *first, last = [method for method, _path in world.writes()]
    assert (set(first), last) == ({"PATCH"}, "DELETE")
    assert (world.registered(), world.uses(), (world.home / "asia").exists()) == ({}, {}, False)
    assert world.play("retire-caches.yml", **EVERY_CACHE).succeeded().changed == set()
