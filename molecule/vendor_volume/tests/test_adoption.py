"""What the new cache makes of the blobs that a Docker Registry left, which can have its folder back afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from evidence import blobs_given
from lab import CACHE, DTR

OFFICE = "cache-lisbon"
STORAGE = "/var/lib/docker-registry"
KEPT, DAMAGED, NEW = "engineering/app:1.0", "engineering/app:0.9", "engineering/app:2.0"
CACHE_USER = 10001


@dataclass(frozen=True)
class OnDisk:
    inode: int
    size: int
    owner: int


@pytest.fixture(scope="module")
def host(lab):
    return lab.machine(OFFICE)


@pytest.fixture(scope="module")
def left_behind(host):
    """Digest → file, as the registry left them."""
    return _files(host.check_output("cat /srv/before"))


@pytest.fixture(scope="module")
def rotten(host):
    return _digest(host.check_output("cat /srv/rotten"))


@pytest.fixture(scope="module")
def pulls(lab):
    """One pull of each image, in this order."""
    return {image: _pull(lab, image) for image in (KEPT, DAMAGED, NEW)}


def _pull(lab, image):
    return lab.witnessed_pull(OFFICE, "alice", image, answers=len(lab.manifest(image).blobs))


def _files(listing):
    lines = [line.split(" ") for line in listing.splitlines()]
    return {_digest(path): OnDisk(*map(int, numbers)) for path, *numbers in lines}


def _digest(path):
    return f"sha256:{path.split('/')[-2]}"


def _stored(host):
    return _files(host.check_output(f"find {STORAGE} -name data -printf '%p %i %s %U\\n'"))


def _answered(pull):
    return {answer.digest: answer.cache for answer in pull.answers}


def test_the_registry_left_the_blobs_of_two_images_as_roots_files(lab, left_behind):
    assert left_behind.keys() >= lab.manifest(KEPT).blobs.keys() | lab.manifest(DAMAGED).blobs.keys()
    assert not left_behind.keys() & lab.manifest(NEW).blobs.keys()
    assert {file.owner for file in left_behind.values()} == {0}


def test_the_cache_works_in_the_registrys_folder(host):
    (container,) = json.loads(host.check_output(f"docker inspect {CACHE}"))
    assert STORAGE in {mount["Source"] for mount in container["Mounts"]}


def test_the_first_pull_ever_is_served_from_what_the_registry_left(lab, pulls):
    pull, blobs = pulls[KEPT], lab.manifest(KEPT).blobs
    assert pull.result.rc == 0, pull.result.stderr
    assert {answer.digest: answer.bytes for answer in pull.answers} == blobs
    assert _answered(pull) == dict.fromkeys(blobs, "hit")
    assert blobs_given(pull.requests) == {}


def test_what_has_rotted_is_not_served_but_fetched_anew(lab, pulls, rotten):
    pull = pulls[DAMAGED]
    assert pull.result.rc == 0, pull.result.stderr
    assert blobs_given(pull.requests) == {rotten: 1}
    assert {digest for digest, cache in _answered(pull).items() if cache != "hit"} == {rotten}


def test_what_was_missing_is_stored_beside_the_rest(lab, host, pulls, left_behind):
    pull, blobs = pulls[NEW], lab.manifest(NEW).blobs
    assert pull.result.rc == 0, pull.result.stderr
    assert {(answer.cache, answer.upstream) for answer in pull.answers} == {("miss", f"https://{DTR}")}
    assert _stored(host).keys() == left_behind.keys() | blobs.keys()


def test_no_blob_of_the_registry_was_copied_moved_or_changed(host, pulls, left_behind, rotten):
    stored = _stored(host)
    for digest, file in left_behind.items():
        if digest != rotten:
            assert (stored[digest].inode, stored[digest].size) == (file.inode, file.size)
    assert stored[rotten].inode != left_behind[rotten].inode
    assert host.file(host.check_output("cat /srv/rotten")).sha256sum == rotten.removeprefix("sha256:")


def test_the_cache_may_remove_every_blob_when_its_time_comes(host, pulls):
    assert host.check_output(f"find {STORAGE}/docker ! -uid {CACHE_USER}") == ""


def test_the_registry_can_have_the_folder_back(lab, host, pulls):
    asked_before = len(lab.dtr_requests())
    host.run_expect([0], f"docker stop {CACHE}")
    host.run_expect([0], f"/srv/pull-by-registry.sh {KEPT} {DAMAGED}")
    assert blobs_given(lab.dtr_requests()[asked_before:]) == {}
