"""The same blobs in a volume of Docker's, full of root's files, as the vendor's own container leaves one behind."""

from __future__ import annotations

import pytest
from evidence import blobs_given
from lab import CACHE
from playbook_output import failed

OFFICE, VOLUME, CACHE_USER = "cache-lisbon", "registry-data", 10001
FORMER = "/var/lib/docker-registry/docker"
KEPT, REMOVED = "engineering/app:1.0", "engineering/app:2.0"


@pytest.fixture(scope="module")
def host(lab):
    return lab.machine(OFFICE)


@pytest.fixture(scope="module")
def folder(host):
    """Of the volume, on the host, before any cache has seen it."""
    host.run_expect([0], f"docker volume create {VOLUME}")
    where = host.check_output(f"docker volume inspect --format '{{{{.Mountpoint}}}}' {VOLUME}")
    host.run_expect([0], f"cp -r {FORMER} {where}/ && chown -R 0:0 {where}")
    return where


@pytest.fixture(scope="module")
def adopted(lab, host, folder):
    for digest in lab.manifest(REMOVED).blobs:
        name = digest.removeprefix("sha256:")
        host.run_expect([0], f"rm -r {folder}/docker/registry/v2/blobs/sha256/{name[:2]}/{name}")
    return lab.playbook("deploy-caches.yml", "-e", f"cache_host_storage={VOLUME}")


def test_the_cache_owns_what_was_roots(host, folder, adopted):
    assert failed(adopted) == set(), adopted
    assert host.check_output(f"find {folder} ! -uid {CACHE_USER}") == ""


def test_what_lay_in_the_volume_is_served_from_it(lab, adopted):
    blobs = lab.manifest(KEPT).blobs
    pull = lab.witnessed_pull(OFFICE, "alice", KEPT, answers=len(blobs))
    assert pull.result.rc == 0, pull.result.stderr
    assert {answer.digest: answer.cache for answer in pull.answers} == dict.fromkeys(blobs, "hit")
    assert blobs_given(pull.requests) == {}


def test_what_was_missing_is_stored_beside_it(lab, host, folder, adopted):
    blobs = lab.manifest(REMOVED).blobs
    pull = lab.witnessed_pull(OFFICE, "alice", REMOVED, answers=len(blobs))
    assert pull.result.rc == 0, pull.result.stderr
    for digest in blobs:
        name = digest.removeprefix("sha256:")
        assert host.file(f"{folder}/docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data").sha256sum == name


def test_the_container_uses_the_volume_by_its_name(host, adopted):
    mounts = host.check_output(f"docker inspect --format '{{{{range .Mounts}}}}{{{{.Name}}}} {{{{end}}}}' {CACHE}")
    assert VOLUME in mounts.split()
