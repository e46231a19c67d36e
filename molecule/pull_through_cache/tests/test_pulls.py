"""Real pulls through the cache, told by three witnesses: the cache's own log, DTR's request log, the office's disk.

The pulls stand in module fixtures, each on the one before: the first finds an empty cache, the second a full one, and
then somebody comes who may not.
"""

from __future__ import annotations

import pytest
from evidence import blobs_given
from lab import DTR

OFFICE = "cache-lisbon"
IMAGE = "engineering/app:1.0"
BLOBS_ON_DISK = "/var/lib/docker/volumes/dtr-cache-data/_data/docker/registry/v2/blobs/sha256"


@pytest.fixture(scope="module")
def image(lab):
    return lab.manifest(IMAGE)


@pytest.fixture(scope="module")
def first(lab, image):
    return lab.witnessed_pull(OFFICE, "alice", IMAGE, answers=len(image.blobs))


@pytest.fixture(scope="module")
def second(lab, image, first):
    return lab.witnessed_pull(OFFICE, "alice", IMAGE, answers=len(image.blobs))


@pytest.fixture(scope="module")
def intruder(lab, second):
    return lab.witnessed_pull(OFFICE, "mallory", IMAGE, answers=0)


def test_the_first_pull_brings_the_image_that_was_pushed(first, image):
    assert first.result.rc == 0, first.result.stderr
    assert f"Digest: {image.digest}" in first.result.stdout


def test_every_blob_of_the_first_pull_came_from_the_cache_whole(first, image):
    assert {answer.digest: answer.bytes for answer in first.answers} == image.blobs
    assert {(answer.status, answer.account) for answer in first.answers} == {(200, "alice")}


def test_the_cache_had_none_of_them_and_says_where_it_took_them(first):
    assert {(answer.cache, answer.upstream) for answer in first.answers} == {("miss", f"https://{DTR}")}


def test_each_blob_left_dtr_once_and_only_to_the_cache(first, image):
    assert blobs_given(first.requests) == dict.fromkeys(image.blobs, 1)
    assert {request.via for request in first.requests if request.gave_blob} == {"grant"}


def test_dtr_sent_the_client_to_the_cache_for_every_blob(first, image):
    redirected = [request for request in first.requests if request.status == 307]
    assert {request.digest for request in redirected} == set(image.blobs)
    assert {request.location_host for request in redirected} == {f"{OFFICE}.test:5000"}


def test_the_blobs_lie_on_the_offices_disk_and_are_what_their_names_say(lab, first, image):
    for digest in image.blobs:
        name = digest.removeprefix("sha256:")
        assert lab.machine(OFFICE).file(f"{BLOBS_ON_DISK}/{name[:2]}/{name}/data").sha256sum == name


def test_the_second_pull_is_served_from_the_cache_alone(second, image):
    assert second.result.rc == 0, second.result.stderr
    assert {answer.digest: answer.bytes for answer in second.answers} == image.blobs
    assert {answer.cache for answer in second.answers} == {"hit"}


def test_the_second_pull_takes_nothing_but_the_manifest_from_dtr(second):
    assert blobs_given(second.requests) == {}
    assert any("/manifests/" in request.path and request.status == 200 for request in second.requests)


def test_an_account_without_rights_is_refused_though_the_cache_has_every_blob(intruder):
    assert intruder.result.rc != 0
    assert "denied" in intruder.result.stderr


def test_the_refused_account_got_no_byte_from_anybody(intruder):
    assert intruder.answers == []
    assert blobs_given(intruder.requests) == {}
