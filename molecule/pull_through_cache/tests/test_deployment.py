"""What deploy-caches.yml left on the office's host and in DTR."""

from __future__ import annotations

import json

import pytest
import yaml
from lab import CACHE, DTR

OFFICE = "cache-lisbon"
ADDRESS = f"https://{OFFICE}.test:5000"
FILES = "/etc/dtr-cache/current"


@pytest.fixture(scope="module")
def host(lab):
    return lab.machine(OFFICE)


@pytest.fixture(scope="module")
def container(host):
    return json.loads(host.check_output(f"docker inspect {CACHE}"))[0]


def test_the_cache_runs_and_docker_finds_it_healthy(lab, host):
    ask = f"docker inspect --format '{{{{.State.Health.Status}}}}' {CACHE}"
    lab.wait_for(lambda: host.check_output(ask) == "healthy", seconds=180)


def test_the_container_may_do_nothing_that_a_cache_does_not_need(container):
    limits = container["HostConfig"]
    assert container["Config"]["User"] == "10001:10001"
    assert limits["ReadonlyRootfs"] is True
    assert limits["Privileged"] is False
    assert limits["CapDrop"] == ["ALL"]
    assert not limits["CapAdd"]
    assert any(option.startswith("no-new-privileges") for option in limits["SecurityOpt"])
    assert limits["Memory"] > 0
    assert limits["PidsLimit"] > 0


def test_the_container_comes_back_after_a_reboot_and_its_log_is_bounded(container):
    assert container["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert {"max-size", "max-file"} <= set(container["HostConfig"]["LogConfig"]["Config"])


def test_the_configuration_names_dtr_and_its_ca(host):
    settings = yaml.safe_load(host.file(f"{FILES}/config.yml").content_string)
    (downstream,) = settings["middleware"]["registry"]
    assert downstream["name"] == "downstream"
    assert downstream["options"]["upstreams"] == [f"https://{DTR}"]
    assert downstream["options"]["cas"] == ["/etc/dtr-content-cache/current/certs/upstream-ca-1.pem"]
    assert downstream["options"]["blobttl"] == "24h"
    assert settings["storage"]["delete"]["enabled"] is True


def test_the_cache_trusts_exactly_the_ca_that_dtr_has(lab, host):
    theirs = lab.machine("dtr").file("/state/ca.pem").content_string
    assert host.file(f"{FILES}/certs/upstream-ca-1.pem").content_string.strip() == theirs.strip()


def test_only_the_cache_can_read_its_key(host):
    key = host.file(f"{FILES}/certs/cache-key.pem")
    assert (key.uid, key.gid, key.mode) == (10001, 10001, 0o400)


def test_dtr_knows_the_cache_under_the_address_that_clients_use(lab):
    (cache,) = lab.ask_dtr("/api/v0/content_caches")
    assert (cache["name"], cache["host"]) == ("region-lisbon", ADDRESS)


@pytest.mark.parametrize("account", ["alice", "mallory"])
def test_the_accounts_of_the_region_use_it(lab, account):
    assert lab.cache_in_use_by(account) == "region-lisbon"


def test_other_accounts_are_left_alone(lab):
    assert lab.cache_in_use_by("publisher") == ""


def test_the_vendors_smoke_test_passes_from_outside(lab):
    answer = lab.get(f"{ADDRESS}/v2/_catalog", ca="office-ca/ca.pem")
    assert (answer.status_code, answer.json()) == (200, {"repositories": []})


def test_a_blob_without_a_grant_is_refused(lab):
    digest = next(iter(lab.manifest("engineering/app:1.0").blobs))
    answer = lab.get(f"{ADDRESS}/v2/engineering/app/blobs/{digest}", ca="office-ca/ca.pem")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "DENIED")
