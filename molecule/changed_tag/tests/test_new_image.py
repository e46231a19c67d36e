"""The publisher pushes another image under the tag that Alice has already pulled through the cache.

Told in order, a module fixture an event: `old`, then the push `changed`, then Alice `updates` her engine, which still
has the old image, then Bob pulls on an `empty` engine, then he asks for the `former` image by its digest.
"""

from __future__ import annotations

import pytest
from evidence import blobs_given
from lab import DTR

OFFICE, HEADQUARTERS = "cache-lisbon", "headquarters"
REPOSITORY, IMAGE = "engineering/app", "engineering/app:1.0"
# The first layer's file is replaced by another; the other layers stay as they are.
BUILD = f"""
set -eu
folder=$(mktemp --directory)
head --bytes=3M /dev/urandom >$folder/layer-0
printf 'FROM {DTR}/{IMAGE}\\nCOPY layer-0 /\\n' >$folder/Dockerfile
docker build --quiet --tag {DTR}/{IMAGE} $folder >/dev/null
docker push --quiet {DTR}/{IMAGE} >/dev/null
sha256sum <$folder/layer-0
rm -r $folder
"""


@pytest.fixture(scope="module")
def old_image(lab):
    return lab.manifest(IMAGE)


@pytest.fixture(scope="module")
def old(lab, old_image):
    return lab.witnessed_pull(OFFICE, "alice", IMAGE, answers=len(old_image.blobs))


@pytest.fixture(scope="module")
def changed(lab, old):
    """SHA-256 of the new file, as it lay at headquarters."""
    return lab.machine(HEADQUARTERS).check_output(BUILD).split()[0]


@pytest.fixture(scope="module")
def new_image(lab, changed):
    return lab.manifest(IMAGE)


@pytest.fixture(scope="module")
def new_blobs(old_image, new_image):
    return {digest: size for digest, size in new_image.blobs.items() if digest not in old_image.blobs}


@pytest.fixture(scope="module")
def updates(lab, new_blobs):
    return lab.witnessed_pull(OFFICE, "alice", IMAGE, answers=len(new_blobs), onto_empty=False)


@pytest.fixture(scope="module")
def empty(lab, new_image, updates):
    return lab.witnessed_pull(OFFICE, "bob", IMAGE, answers=len(new_image.blobs))


@pytest.fixture(scope="module")
def former(lab, old_image, empty):
    return lab.witnessed_pull(OFFICE, "bob", f"{REPOSITORY}@{old_image.digest}", answers=len(old_image.blobs))


def test_the_tag_means_another_image_that_shares_layers_with_the_old_one(old, old_image, new_image, new_blobs):
    assert f"Digest: {old_image.digest}" in old.result.stdout
    assert new_image.digest != old_image.digest
    assert 0 < len(new_blobs) < len(new_image.blobs)


def test_an_engine_that_has_the_old_image_gets_the_new_one(updates, new_image):
    assert updates.result.rc == 0, updates.result.stderr
    assert f"Digest: {new_image.digest}" in updates.result.stdout
    assert "Downloaded newer image" in updates.result.stdout


def test_only_what_changed_was_fetched_and_it_left_dtr_once(updates, new_blobs):
    assert {answer.digest: answer.bytes for answer in updates.answers} == new_blobs
    assert {(answer.cache, answer.upstream) for answer in updates.answers} == {("miss", f"https://{DTR}")}
    assert blobs_given(updates.requests) == dict.fromkeys(new_blobs, 1)


def test_an_empty_engine_gets_the_new_image_whole_from_the_cache(empty, new_image):
    assert empty.result.rc == 0, empty.result.stderr
    assert f"Digest: {new_image.digest}" in empty.result.stdout
    assert {answer.digest: answer.bytes for answer in empty.answers} == new_image.blobs
    assert {answer.cache for answer in empty.answers} == {"hit"}
    assert blobs_given(empty.requests) == {}


def test_what_a_container_of_it_sees_is_the_new_file(lab, empty, changed):
    office = lab.machine(OFFICE)
    # No program is in the image, so none can be run; a container that is only made has the files.
    made = office.check_output(f"docker create {DTR}/{IMAGE} nothing")
    try:
        assert (
            office.check_output(f"docker cp {made}:/layer-0 - | tar --extract --to-stdout | sha256sum").split()[0]
            == changed
        )
    finally:
        office.run_expect([0], f"docker rm {made}")


def test_every_pull_asked_dtr_what_the_tag_means(old, updates, empty):
    for pull in (old, updates, empty):
        asked = [request for request in pull.requests if request.path.endswith("/manifests/1.0")]
        assert {request.status for request in asked} == {200}


def test_who_asks_for_the_old_image_by_its_digest_gets_it_from_the_cache(former, old_image):
    assert former.result.rc == 0, former.result.stderr
    assert {answer.digest: answer.bytes for answer in former.answers} == old_image.blobs
    assert {answer.cache for answer in former.answers} == {"hit"}
    assert blobs_given(former.requests) == {}
