"""What retire-caches.yml left: nothing, and accounts that pull from DTR again."""

from __future__ import annotations

import re

import pytest
from evidence import blobs_given

OFFICE = "cache-lisbon"
IMAGE = "engineering/app:1.0"


@pytest.fixture(scope="module")
def host(lab):
    return lab.machine(OFFICE)


def test_no_container_is_left_running_or_stopped(host):
    assert host.check_output("docker ps --all --quiet") == ""


def test_no_volume_is_left_since_the_operator_gave_the_blobs_up(host):
    assert host.check_output("docker volume ls --quiet") == ""


def test_no_configuration_certificate_or_key_is_left(host):
    assert not host.file("/etc/dtr-cache").exists


def test_dtr_knows_no_cache_any_more(lab):
    assert lab.ask_dtr("/api/v0/content_caches") == []


@pytest.mark.parametrize("account", ["alice", "mallory"])
def test_no_account_names_the_cache_any_more(lab, account):
    assert lab.ask_dtr(f"/api/v0/accounts/{account}/settings") == {"ContentCacheUUID": ""}


def test_a_pull_is_served_by_dtr_itself_again(lab):
    before = len(lab.dtr_requests())
    result = lab.pull(OFFICE, "alice", IMAGE)
    assert result.rc == 0, result.stderr
    requests = lab.dtr_requests()[before:]
    assert blobs_given(requests) == dict.fromkeys(lab.manifest(IMAGE).blobs, 1)
    assert {request.via for request in requests if request.gave_blob} == {"bearer"}


def test_retiring_once_more_changes_nothing(lab):
    output = lab.playbook("retire-caches.yml")
    recap = re.findall(r"^(\S+) +: .* changed=(\d+) .* failed=(\d+)", output, re.MULTILINE)
    assert OFFICE in {host for host, _, _ in recap}, output
    assert {(changed, failed) for _, changed, failed in recap} == {("0", "0")}, output
