"""The cache of the office is full before anybody tries to take what is not theirs."""

from __future__ import annotations

import pytest
from evidence import Manifest
from lab import Lab, Pull

OFFICE = "cache-lisbon"
IMAGE = "engineering/app:1.0"
BLOBS_ON_DISK = "/var/lib/docker/volumes/dtr-cache-data/_data/docker/registry/v2/blobs/sha256"


@pytest.fixture(scope="session")
def image(lab: Lab) -> Manifest:
    return lab.manifest(IMAGE)


@pytest.fixture(scope="session")
def full_cache(lab: Lab, image: Manifest) -> Pull:
    """Alice's pull, after which the cache has every blob of the image."""
    pull = lab.witnessed_pull(OFFICE, "alice", IMAGE, answers=len(image.blobs))
    assert pull.result.rc == 0, pull.result.stderr
    for digest in image.blobs:
        name = digest.removeprefix("sha256:")
        assert lab.machine(OFFICE).file(f"{BLOBS_ON_DISK}/{name[:2]}/{name}/data").is_file
    return pull
