"""Two images are pulled, one of them again and again until the other has left the disk by itself."""

from __future__ import annotations

import re
import time

import pytest
import yaml
from evidence import blobs_given
from lab import CACHE, DTR

OFFICE = "cache-lisbon"
DAILY, YEARLY = "office/daily:1.0", "office/yearly:1.0"
TTL_S = 30
# A blob outlives its time by a sweep's interval (a second here) and its length; the rest is for a busy machine.
LATE_S = 30
BLOBS_ON_DISK = "/var/lib/docker/volumes/dtr-cache-data/_data/docker/registry/v2/blobs/sha256"


@pytest.fixture(scope="module")
def daily(lab):
    return lab.manifest(DAILY)


@pytest.fixture(scope="module")
def yearly(lab):
    return lab.manifest(YEARLY)


@pytest.fixture(scope="module")
def pulled(lab, daily, yearly):
    """When the two first pulls began, the yearly one's before the daily one's, and when they had ended."""
    began = time.monotonic()
    for image, manifest in ((YEARLY, yearly), (DAILY, daily)):
        pull = lab.witnessed_pull(OFFICE, "alice", image, answers=len(manifest.blobs))
        assert pull.result.rc == 0, pull.result.stderr
    assert on_disk(lab) == daily.blobs.keys() | yearly.blobs.keys()
    return began, time.monotonic()


@pytest.fixture(scope="module")
def gone(lab, daily, yearly, pulled):
    """The daily pulls, for longer than the TTL and until nothing of the yearly image was left.

    Each with what lay on the disk after it; and when the yearly image was gone.
    """
    pulls, when = [], None
    while when is None or time.monotonic() < pulled[1] + TTL_S:
        pull = lab.witnessed_pull(OFFICE, "alice", DAILY, answers=len(daily.blobs))
        pulls.append((pull, on_disk(lab)))
        left = pulls[-1][1] & yearly.blobs.keys()
        if not left:
            when = when or time.monotonic()
        assert left == set() or time.monotonic() < pulled[1] + TTL_S + LATE_S, f"still there: {left}"
    return pulls, when


def on_disk(lab):
    """Digests of all blobs that lie in the cache's volume."""
    found = lab.machine(OFFICE).check_output(f"find {BLOBS_ON_DISK} -name data").split()
    return {f"sha256:{path.split('/')[-2]}" for path in found}


def test_the_ttl_is_the_one_of_the_inventory(lab):
    settings = yaml.safe_load(lab.machine(OFFICE).file("/etc/dtr-cache/current/config.yml").content_string)
    (downstream,) = settings["middleware"]["registry"]
    assert downstream["options"]["blobttl"] == f"{TTL_S}s"


def test_what_nobody_pulled_left_the_disk_and_not_before_its_time(pulled, gone, yearly):
    pulls, when = gone
    assert not pulls[-1][1] & yearly.blobs.keys()
    assert when >= pulled[0] + TTL_S


def test_the_cache_says_why_each_of_its_blobs_went(lab, gone, yearly):
    log = lab.machine(OFFICE).check_output(f"docker logs {CACHE} 2>&1")
    went = {m[1]: m[2] for m in re.finditer(r'msg="blob evicted" digest="?(sha256:[0-9a-f]{64}).* reason=(\S+)', log)}
    assert went == dict.fromkeys(yearly.blobs, "ttl")


def test_what_was_pulled_stayed_for_longer_than_the_ttl(gone, daily):
    pulls, _ = gone
    assert all(lying >= daily.blobs.keys() for _, lying in pulls)


def test_every_pull_of_it_was_a_hit_and_cost_dtr_no_blob(gone, daily):
    pulls, _ = gone
    assert len(pulls) > 1
    for pull, _ in pulls:
        assert pull.result.rc == 0, pull.result.stderr
        assert {(answer.digest, answer.cache) for answer in pull.answers} == {(digest, "hit") for digest in daily.blobs}
        assert blobs_given(pull.requests) == {}


def test_what_is_gone_can_be_pulled_again_and_is_kept_again(lab, gone, yearly):
    pull = lab.witnessed_pull(OFFICE, "alice", YEARLY, answers=len(yearly.blobs))
    assert pull.result.rc == 0, pull.result.stderr
    assert {(answer.cache, answer.upstream) for answer in pull.answers} == {("miss", f"https://{DTR}")}
    assert blobs_given(pull.requests) == dict.fromkeys(yearly.blobs, 1)
    assert on_disk(lab) >= yearly.blobs.keys()
