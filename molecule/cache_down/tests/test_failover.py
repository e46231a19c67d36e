"""China's cache is stopped, as by a broken disk. Then everything that the operator does until it is back, in order.

`down`: what Bob sees, and what verify-caches.yml says. `away`: failover.yml led him to Asia's cache. `back`: the cache
runs again, and he is led back.
"""

from __future__ import annotations

import json
import re

import pytest
from evidence import blobs_given
from lab import CACHE, DTR
from playbook_output import failed, failures

ASIA, CHINA = "cache-singapore", "cache-beijing"
IMAGE, OTHER = "engineering/app:1.0", "engineering/app:2.0"
CHINAS_ADDRESS = f"https://{CHINA}.test:5000"


@pytest.fixture(scope="module")
def image(lab):
    return lab.manifest(IMAGE)


@pytest.fixture(scope="module")
def in_use(lab, image):
    return lab.witnessed_pull(CHINA, "bob", IMAGE, answers=len(image.blobs))


@pytest.fixture(scope="module")
def down(lab, in_use):
    """Bob's pull, and what the operator is told."""
    lab.machine(CHINA).run_expect([0], f"docker stop {CACHE}")
    asked = len(lab.dtr_requests())
    return lab.pull(CHINA, "bob", IMAGE), lab.dtr_requests()[asked:], lab.playbook("verify-caches.yml")


@pytest.fixture(scope="module")
def away(lab, down):
    return _failover(lab, "away"), lab.cache_in_use_by("bob"), _record(lab)


@pytest.fixture(scope="module")
def elsewhere(lab, away):
    """Bob's pulls by way of Asia: of what its cache has, and of what no cache has. What Asia's answered."""
    answered, asked = len(lab.blob_answers(ASIA)), len(lab.dtr_requests())
    pulls = [lab.pull(CHINA, "bob", name) for name in (IMAGE, OTHER)]
    blobs = {**lab.manifest(IMAGE).blobs, **lab.manifest(OTHER).blobs}
    lab.wait_for(lambda: len(lab.blob_answers(ASIA)) >= answered + len(blobs))
    return pulls, lab.blob_answers(ASIA)[answered:], lab.dtr_requests()[asked:]


@pytest.fixture(scope="module")
def too_early(lab, elsewhere):
    return _failover(lab, "back"), lab.cache_in_use_by("bob")


@pytest.fixture(scope="module")
def back(lab, too_early):
    lab.machine(CHINA).run_expect([0], f"docker start {CACHE}")
    lab.wait_for(lambda: lab.machine(CHINA).run(f"docker exec {CACHE} dtr-content-cache --probe /config.yml").rc == 0)
    return _failover(lab, "back"), lab.cache_in_use_by("bob")


@pytest.fixture(scope="module")
def verified(lab, back):
    return lab.playbook("verify-caches.yml")


def _failover(lab, direction) -> str:
    return lab.playbook("failover.yml", "-e", "content_cache_down=china", "-e", f"content_cache_failover={direction}")


def _record(lab):
    file = lab.files / "failover" / "china.json"
    return json.loads(file.read_text()) if file.exists() else None


def test_before_bob_pulled_through_the_cache_of_his_region(in_use, image):
    assert in_use.result.rc == 0, in_use.result.stderr
    assert {answer.digest for answer in in_use.answers} == set(image.blobs)


def test_the_user_sees_which_address_does_not_answer(lab, down):
    address = lab.machine(CHINA).check_output("hostname --ip-address").split()[0]
    pull, _, _ = down
    assert pull.rc != 0
    assert f"dial tcp {address}:5000: connect: connection refused" in pull.stderr


def test_dtr_itself_gives_the_layers_to_nobody_behind_the_caches_back(down):
    _, requests, _ = down
    assert blobs_given(requests) == {}


def test_verify_says_that_it_is_this_hop_and_no_other(down):
    _, _, output = down
    assert failed(output) == {CHINA}
    assert re.search(rf"asia \({ASIA}\): .*alice got {IMAGE} from https://{ASIA}\.test:5000", output), output
    assert f"{CHINA}: the container {CACHE} is not running; found it stopped" in failures(output)[CHINA]


def test_failover_leads_the_users_to_the_parent_region_and_writes_down_whom(away):
    output, cache, record = away
    assert failed(output) == set()
    assert "bob: from region-china to region-asia" in output
    assert cache == "region-asia"
    assert record.pop("since").endswith(" UTC")
    assert record == {"accounts": ["bob"], "from": "region-china", "to": "region-asia"}


def test_away_his_pulls_work_and_come_from_the_parents_cache(elsewhere, lab):
    pulls, answers, _ = elsewhere
    assert [pull.rc for pull in pulls] == [0, 0], [pull.stderr for pull in pulls]
    assert {answer.account for answer in answers} == {"bob"}
    had, had_not = lab.manifest(IMAGE).blobs, lab.manifest(OTHER).blobs
    assert {answer.digest for answer in answers if answer.cache == "hit"} == set(had)
    assert {(answer.digest, answer.upstream) for answer in answers if answer.cache == "miss"} == {
        (digest, f"https://{DTR}") for digest in had_not
    }


def test_only_what_no_cache_had_left_dtr(elsewhere, lab):
    _, _, requests = elsewhere
    assert blobs_given(requests) == dict.fromkeys(lab.manifest(OTHER).blobs, 1)


def test_nobody_is_led_back_to_a_cache_that_does_not_answer(too_early):
    output, cache = too_early
    assert f"{CHINAS_ADDRESS} does not answer yet" in output
    assert cache == "region-asia"


def test_back_he_uses_the_cache_of_his_region_as_before(lab, back, image):
    output, cache = back
    assert failed(output) == set()
    assert cache == "region-china"
    assert _record(lab) is None
    pull = lab.witnessed_pull(CHINA, "bob", IMAGE, answers=len(image.blobs))
    assert pull.result.rc == 0, pull.result.stderr
    assert {answer.digest: answer.cache for answer in pull.answers} == dict.fromkeys(image.blobs, "hit")
    assert blobs_given(pull.requests) == {}


def test_alice_was_never_led_anywhere(lab, back):
    assert lab.cache_in_use_by("alice") == "region-asia"


def test_verify_finds_both_regions_well_again(verified):
    assert failed(verified) == set()
    for region, host, user in (("asia", ASIA, "alice"), ("china", CHINA, "bob")):
        assert re.search(rf"{region} \({host}\): .*{user} got {IMAGE} from https://{host}\.test:5000", verified)
