"""Bob in China pulls first, Alice in Asia after him: who asked whom for what, by the logs of both caches and of DTR.

China's cache is filled by way of Asia's, so that Alice's first pull finds everything.
"""

from __future__ import annotations

import pytest
import yaml
from evidence import blobs_given
from lab import DTR

ASIA, CHINA = "cache-singapore", "cache-beijing"
IMAGE = "engineering/app:1.0"
FILES = "/etc/dtr-cache/current"


@pytest.fixture(scope="module")
def image(lab):
    return lab.manifest(IMAGE)


@pytest.fixture(scope="module")
def in_china(lab, image):
    return lab.witnessed_pull(CHINA, "bob", IMAGE, answers=len(image.blobs))


@pytest.fixture(scope="module")
def parents_answers(lab, image, in_china):
    """What Asia's cache answered to China's."""
    lab.wait_for(lambda: len(lab.blob_answers(ASIA)) >= len(image.blobs))
    return lab.blob_answers(ASIA)


@pytest.fixture(scope="module")
def in_asia(lab, image, parents_answers):
    return lab.witnessed_pull(ASIA, "alice", IMAGE, answers=len(image.blobs))


def test_the_leaf_pulls_from_its_parent_and_trusts_nobody_else(lab):
    leaf = lab.machine(CHINA)
    (downstream,) = yaml.safe_load(leaf.file(f"{FILES}/config.yml").content_string)["middleware"]["registry"]
    assert downstream["options"]["upstreams"] == [f"https://{ASIA}.test:5000"]
    assert leaf.check_output(f"ls {FILES}/certs/ | grep upstream") == "upstream-ca-1.pem"
    offices_ca = (lab.files / "office-ca" / "ca.pem").read_text()
    assert leaf.file(f"{FILES}/certs/upstream-ca-1.pem").content_string.strip() == offices_ca.strip()


def test_each_account_uses_the_cache_of_its_region(lab):
    assert (lab.cache_in_use_by("alice"), lab.cache_in_use_by("bob")) == ("region-asia", "region-china")


def test_the_first_pull_comes_from_the_leaf_which_asks_its_parent(in_china, image):
    assert in_china.result.rc == 0, in_china.result.stderr
    assert {answer.digest: answer.bytes for answer in in_china.answers} == image.blobs
    assert {(answer.cache, answer.upstream) for answer in in_china.answers} == {("miss", f"https://{ASIA}.test:5000")}


def test_the_parent_was_asked_once_for_each_blob_and_asked_dtr(parents_answers, image):
    assert sorted(answer.digest for answer in parents_answers) == sorted(image.blobs)
    assert {(answer.account, answer.cache, answer.upstream) for answer in parents_answers} == {
        ("bob", "miss", f"https://{DTR}")
    }


def test_each_blob_left_dtr_once(in_china, image):
    assert blobs_given(in_china.requests) == dict.fromkeys(image.blobs, 1)


def test_the_parents_own_users_find_what_the_leaf_fetched(in_asia, image):
    assert in_asia.result.rc == 0, in_asia.result.stderr
    assert {answer.digest: answer.bytes for answer in in_asia.answers} == image.blobs
    assert {answer.cache for answer in in_asia.answers} == {"hit"}
    assert blobs_given(in_asia.requests) == {}
