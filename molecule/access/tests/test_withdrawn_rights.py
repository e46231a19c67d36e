"""Bob may read the image, until an administrator of DTR withdraws that. What he was given before ends by itself."""

from __future__ import annotations

import json
import time

import pytest
from evidence import blobs_given
from signed_urls import Client, ends_s

OFFICE = "cache-lisbon"
IMAGE, REPOSITORY = "engineering/app:1.0", "engineering/app"
CLOCK_SKEW_S = 1


@pytest.fixture(scope="module")
def before(lab, image, full_cache):
    return lab.witnessed_pull(OFFICE, "bob", IMAGE, answers=len(image.blobs))


@pytest.fixture(scope="module")
def withdrawn(lab, image, before):
    """Rights are gone; what is left in Bob's hands: a token, a signed URL, and what the cache said to that at once."""
    bob = Client(lab, "bob")
    token, url = bob.token(REPOSITORY), bob.signed_url(REPOSITORY, next(iter(image.blobs)))
    _withdraw(lab, "bob")
    return token, url, bob.ask_cache(url).status_code


@pytest.fixture(scope="module")
def after(lab, withdrawn):
    return lab.witnessed_pull(OFFICE, "bob", IMAGE, answers=0)


def _withdraw(lab, account):
    dtr = lab.machine("dtr")
    accounts = json.loads(dtr.check_output("cat /accounts.yml"))
    for repository in accounts["repositories"]:
        repository["readers"] = [reader for reader in repository["readers"] if reader != account]
    dtr.run_expect([0], "echo %s >/accounts.new && mv /accounts.new /accounts.yml", json.dumps(accounts))


def test_with_rights_the_pull_succeeded_from_the_cache(before, image):
    assert before.result.rc == 0, before.result.stderr
    assert {answer.digest: answer.bytes for answer in before.answers} == image.blobs
    assert {(answer.cache, answer.account) for answer in before.answers} == {("hit", "bob")}


def test_without_them_the_next_pull_is_denied_though_every_layer_is_in_the_cache(after):
    assert after.result.rc != 0
    assert "denied" in after.result.stderr
    assert after.answers == []
    assert blobs_given(after.requests) == {}


def test_a_token_from_before_gets_no_signed_url_any_more(lab, withdrawn, image):
    token, _, _ = withdrawn
    for digest in image.blobs:
        assert Client(lab, "bob").ask_dtr(REPOSITORY, digest, token).status_code == 401


def test_a_signed_url_from_before_ends_when_it_says_and_not_later(lab, withdrawn):
    _, url, at_once = withdrawn
    assert at_once == 200
    bob, ends = Client(lab, "bob"), ends_s(url)
    lab.wait_for(lambda: bob.ask_cache(url).status_code == 403, seconds=40)
    assert ends <= time.time() <= ends + CLOCK_SKEW_S + 5
    assert bob.ask_cache(url, "HEAD").status_code == 403


def test_others_pull_as_before(lab, image, after):
    pull = lab.witnessed_pull(OFFICE, "alice", IMAGE, answers=len(image.blobs))
    assert pull.result.rc == 0, pull.result.stderr
    assert {answer.cache for answer in pull.answers} == {"hit"}
