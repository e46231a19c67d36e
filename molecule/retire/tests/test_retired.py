"""Both regions are in use, and while their users go on pulling retire-caches.yml takes their caches away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from evidence import DtrRequest, blobs_given
from playbook_output import failed, failures, recap
from steady_pulls import SteadyPulls, docker_pull

USERS = {"cache-lisbon": "alice", "cache-porto": "bob"}
IMAGE = "engineering/app:1.0"
VOLUME = "dtr-cache-data"
EVERY_CACHE = "--extra-vars=content_cache_retire_all=true"


@dataclass(frozen=True)
class Retirement:
    caches: dict[str, Any]  # name → what DTR knew of it before
    output: str  # of the playbook
    pulls: SteadyPulls  # that went on meanwhile
    requests: list[DtrRequest]  # to DTR, meanwhile


@pytest.fixture(scope="module")
def image(lab):
    return lab.manifest(IMAGE)


@pytest.fixture(scope="module")
def used(lab, image):
    """A pull in each region, after which its cache has the image."""
    return [lab.witnessed_pull(office, user, IMAGE, answers=len(image.blobs)) for office, user in USERS.items()]


@pytest.fixture(scope="module")
def retired(lab, used) -> Retirement:
    caches = {cache["name"]: cache for cache in lab.ask_dtr("/api/v0/content_caches")}
    asked = len(lab.dtr_requests())
    with SteadyPulls(*(docker_pull(lab, office, user, IMAGE) for office, user in USERS.items())) as pulls:
        pulls.go_on(1)
        output = lab.playbook("retire-caches.yml", EVERY_CACHE)
        pulls.go_on(1)
    return Retirement(caches, output, pulls, lab.dtr_requests()[asked:])


@pytest.fixture(params=USERS)
def host(request, lab, retired):
    return lab.machine(request.param)


def test_the_caches_were_in_use_before(used, image, retired):
    assert [pull.result.rc for pull in used] == [0, 0]
    assert {answer.digest for pull in used for answer in pull.answers} == set(image.blobs)
    assert retired.caches.keys() == {"region-lisbon", "region-porto"}


def test_the_playbook_went_through(retired):
    assert recap(retired.output).keys() >= USERS.keys()
    assert failed(retired.output) == set(), failures(retired.output)


def test_no_pull_failed_while_the_caches_went_or_after(retired):
    assert retired.pulls.failures == []


def test_accounts_were_led_away_before_dtr_forgot_their_cache(retired):
    done = [(request.method, request.path) for request in retired.requests if 200 <= request.status < 300]
    for user, name in (("alice", "region-lisbon"), ("bob", "region-porto")):
        away = done.index(("PATCH", f"/api/v0/accounts/{user}/settings"))
        forgotten = done.index(("DELETE", f"/api/v0/content_caches/{retired.caches[name]['id']}"))
        assert away < forgotten


def test_no_container_is_left_running_or_stopped(host):
    assert host.check_output("docker ps --all --quiet") == ""


def test_no_configuration_certificate_or_key_is_left(host):
    assert not host.file("/etc/dtr-cache").exists


def test_the_blobs_stay_where_the_operator_did_not_give_them_up(lab, retired, image):
    assert lab.machine("cache-lisbon").check_output("docker volume ls --quiet") == VOLUME
    files = lab.machine("cache-lisbon").check_output(
        f"find /var/lib/docker/volumes/{VOLUME} -path '*/blobs/*' -name data"
    )
    assert {f"sha256:{path.split('/')[-2]}" for path in files.splitlines()} == image.blobs.keys()


def test_no_volume_is_left_where_the_operator_gave_the_blobs_up(lab, retired):
    assert lab.machine("cache-porto").check_output("docker volume ls --quiet") == ""


def test_dtr_knows_no_cache_any_more(lab, retired):
    assert lab.ask_dtr("/api/v0/content_caches") == []


@pytest.mark.parametrize("account", USERS.values())
def test_no_account_names_the_cache_any_more(lab, retired, account):
    assert lab.ask_dtr(f"/api/v0/accounts/{account}/settings") == {"ContentCacheUUID": ""}


@pytest.mark.parametrize("office", USERS)
def test_a_pull_is_served_by_dtr_itself(lab, retired, image, office):
    before = len(lab.dtr_requests())
    result = lab.pull(office, USERS[office], IMAGE)
    assert result.rc == 0, result.stderr
    requests = lab.dtr_requests()[before:]
    assert blobs_given(requests) == dict.fromkeys(image.blobs, 1)
    assert {request.via for request in requests if request.gave_blob} == {"bearer"}


def test_retiring_once_more_changes_nothing(lab, retired):
    again = recap(lab.playbook("retire-caches.yml", EVERY_CACHE))
    assert again.keys() >= USERS.keys()
    assert {(counts["changed"], counts["failed"]) for counts in again.values()} == {(0, 0)}
