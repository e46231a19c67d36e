"""Mallory may not read the image. The cache has every layer of it; she tries at DTR, and then at the cache itself."""

from __future__ import annotations

import re

import pytest
from evidence import blobs_given
from lab import CACHE
from signed_urls import Client, grant_in

OFFICE = "cache-lisbon"
IMAGE, REPOSITORY = "engineering/app:1.0", "engineering/app"
HER_IMAGE, HER_REPOSITORY = "mailroom/notes:1.0", "mailroom/notes"

# Why the cache says no, and what she made of a URL that DTR signed for a blob of hers.
TRICKS = {
    "wrong-digest": lambda url, hers, wanted: url.replace(hers, wanted),
    "wrong-repository": lambda url, hers, wanted: _there(url, hers, wanted),
    "missing": lambda url, hers, wanted: _there(url, hers, wanted).partition("?")[0],
    "repeated": lambda url, hers, wanted: f"{url}&grant={grant_in(url)}",
    "bad-signature": lambda url, hers, wanted: url.replace(_signature(url), _another(_signature(url))),
}


def _there(url, hers, wanted):
    return url.replace(hers, wanted).replace(HER_REPOSITORY, REPOSITORY)


def _signature(url):
    return grant_in(url).rpartition(".")[2]


def _another(signature):
    return ("B" if signature[0] == "A" else "A") + signature[1:]


@pytest.fixture(scope="module")
def mallory(lab, full_cache):
    return Client(lab, "mallory")


@pytest.fixture(scope="module")
def wanted(image):
    """The largest layer of the image."""
    return max(image.blobs, key=image.blobs.__getitem__)


@pytest.fixture(scope="module")
def hers(lab):
    return max(lab.manifest(HER_IMAGE).blobs)


def test_docker_is_denied_and_nobody_gave_it_a_byte(lab, full_cache):
    pull = lab.witnessed_pull(OFFICE, "mallory", IMAGE, answers=0)
    assert pull.result.rc != 0
    assert "denied" in pull.result.stderr
    assert pull.answers == []
    assert blobs_given(pull.requests) == {}


def test_what_she_may_read_she_gets_from_the_same_cache(mallory, hers, lab):
    answer = mallory.ask_cache(mallory.signed_url(HER_REPOSITORY, hers))
    assert (answer.status_code, len(answer.content)) == (200, lab.manifest(HER_IMAGE).blobs[hers])


def test_dtr_signs_no_url_for_a_blob_of_another_repository(mallory, wanted):
    token = mallory.token(HER_REPOSITORY)
    assert mallory.ask_dtr(HER_REPOSITORY, wanted, token).status_code == 404
    assert mallory.ask_dtr(REPOSITORY, wanted, token).status_code == 401


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("reason", TRICKS)
def test_a_bent_url_is_refused_on_a_hit_and_the_log_says_why(lab, mallory, hers, wanted, reason, method):
    answers_before, asked_before = len(lab.blob_answers(OFFICE)), len(lab.dtr_requests())
    url = TRICKS[reason](mallory.signed_url(HER_REPOSITORY, hers), hers, wanted)
    answer = mallory.ask_cache(url, method)
    assert answer.status_code == 403
    if method == "GET":
        assert answer.json()["errors"][0]["code"] == "DENIED"
    lab.wait_for(lambda: len(lab.blob_answers(OFFICE)) > answers_before)
    assert [given.status for given in lab.blob_answers(OFFICE)[answers_before:]] == [403]
    assert blobs_given(lab.dtr_requests()[asked_before:]) == {}
    assert re.findall("access refused.* reason=([a-z-]+)", _log(lab))[-1] == reason


def test_no_log_holds_a_grant(lab, mallory, hers):
    mallory.ask_cache(mallory.signed_url(HER_REPOSITORY, hers))
    # Every grant begins with the same header, {"alg" or {"kid" in base64url.
    assert "eyJ" not in _log(lab)
    assert "eyJ" not in lab.machine("dtr").check_output("cat /state/requests.jsonl")


def _log(lab):
    return lab.machine(OFFICE).check_output(f"docker logs {CACHE} 2>&1")
