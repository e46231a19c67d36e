"""Pulls go on without a pause while the operator deploys a new version, then a broken one, then the good one once more.

Each deployment is the product's own playbook. A desk pulls with Docker, which resumes what breaks; the controller reads
a layer and forgives nothing. The caches' lines are thin, so that a cache is stopped while it sends.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from lab import CACHE
from playbook_output import recap
from steady_pulls import SteadyPulls, blob_read, docker_pull

HOSTS = ["cache-lisbon-1", "cache-lisbon-2"]
REPOSITORY = "engineering/app"
CACHE_IMAGE = "dtr.test/operations/cache"
LINE = "rate 16mbit burst 32kb latency 400ms"  # the layer of 3 MiB takes more than a second


@dataclass(frozen=True)
class Deployment:
    """What a run of deploy-caches.yml said, which pulls went on meanwhile, and what stood afterwards."""

    output: str
    pulls: SteadyPulls
    containers: dict[str, list[str]]  # all that each host has, as `name image`
    files: dict[str, list[str]]  # releases that each host has
    registered: list[dict[str, str]]  # DTR's content caches
    asked: list[str]  # what was asked of DTR's content caches, by method

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        return recap(self.output)


@pytest.fixture(scope="module")
def pulls(lab):
    blobs = lab.manifest(f"{REPOSITORY}:1.0").blobs
    layer = max(blobs, key=blobs.__getitem__)
    for host in HOSTS:
        lab.machine(host).run_expect([0], f"tc qdisc replace dev eth0 root tbf {LINE}")
    return docker_pull(lab, "desk", "alice", f"{REPOSITORY}:1.0"), blob_read(lab, "alice", REPOSITORY, layer)


@pytest.fixture(scope="module")
def upgraded(lab, pulls):
    return _deploy(lab, pulls, "0.2.0")


@pytest.fixture(scope="module")
def broken(lab, pulls, upgraded):
    return _deploy(lab, pulls, "0.3.0", "-e", "cache_host_healthy_within=8")


@pytest.fixture(scope="module")
def once_more(lab, pulls, broken):
    return _deploy(lab, pulls, "0.2.0")


def _deploy(lab, pulls, version, *arguments) -> Deployment:
    asked_before = len(lab.dtr_requests())
    with SteadyPulls(*pulls) as steady:
        steady.go_on(1)
        output = lab.playbook("deploy-caches.yml", "-e", f"cache_host_image={CACHE_IMAGE}:{version}", *arguments)
        steady.go_on(2)
    requests = lab.dtr_requests()[asked_before:]
    return Deployment(
        output,
        steady,
        {host: _lines(lab, host, "docker ps --all --format '{{.Names}} {{.Image}}'") for host in HOSTS},
        {host: _lines(lab, host, "ls /etc/dtr-cache/releases") for host in HOSTS},
        lab.ask_dtr("/api/v0/content_caches"),
        [request.method for request in requests if request.path.startswith("/api/v0/content_caches")],
    )


def _lines(lab, host, command) -> list[str]:
    return lab.machine(host).check_output(command).splitlines()


def test_the_upgrade_reaches_every_host_of_the_region(lab, upgraded):
    assert {upgraded.recap[host]["failed"] for host in HOSTS} == {0}, upgraded.output
    assert upgraded.containers == {host: [f"{CACHE} {CACHE_IMAGE}:0.2.0"] for host in HOSTS}


def test_no_pull_fails_while_the_region_is_upgraded(upgraded):
    assert upgraded.pulls.failures == []


def test_a_version_that_does_not_start_ends_the_run_with_its_own_words(broken):
    assert broken.recap[HOSTS[0]]["failed"] == 1, broken.output
    assert "this version cannot serve" in broken.output
    assert "The host runs what it ran before." in broken.output


def test_no_pull_fails_while_the_broken_version_is_tried_and_taken_back(broken):
    assert broken.pulls.failures == []


def test_the_host_gets_back_what_it_had(lab, upgraded, broken):
    assert broken.containers[HOSTS[0]] == upgraded.containers[HOSTS[0]]
    assert broken.files[HOSTS[0]] == upgraded.files[HOSTS[0]]
    said = lab.machine(HOSTS[0]).check_output(f"docker exec {CACHE} dtr-content-cache --version")
    assert said.split()[-1] == "0.2.0"


def test_the_rest_of_the_region_is_not_touched(upgraded, broken):
    assert broken.recap[HOSTS[1]]["changed"] == 0
    assert broken.containers[HOSTS[1]] == upgraded.containers[HOSTS[1]]


def test_dtr_is_not_told_of_a_version_that_does_not_start(upgraded, broken):
    assert [cache["name"] for cache in broken.registered] == ["region-lisbon"]
    assert broken.registered == upgraded.registered
    assert set(broken.asked) <= {"GET"}


def test_deploying_the_good_version_once_more_changes_nothing(once_more):
    assert {(recap["changed"], recap["failed"]) for recap in once_more.recap.values()} == {(0, 0)}, once_more.output
