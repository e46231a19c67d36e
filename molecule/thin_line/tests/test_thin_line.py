"""Five desks with a Docker engine each, their cache beside them, DTR behind a line of 1.5 Mbit/s.

One desk pulls an image, a second one pulls it after that. Then all five pull another image in the same moment. What
went over the line is counted by the line itself.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from evidence import Answer, DtrRequest, blobs_given
from lab import DTR

OFFICE = "cache-lisbon"
DESKS = [f"desk-{number}" for number in range(1, 6)]
LINE_BYTES_PER_S = 1_500_000 / 8  # so thin that a busy machine makes no difference


@dataclass(frozen=True)
class Pulls:
    """Pulls that started together, and what cache, DTR and line saw of them."""

    outcomes: list[tuple[int, str]]  # exit status and error text of each `docker pull`
    seconds: float  # until the slowest was done
    line_bytes: int
    answers: list[Answer]
    requests: list[DtrRequest]


@pytest.fixture(scope="module", autouse=True)
def _people(lab):
    for desk in DESKS:
        lab.machine(desk).run_expect([0], f"echo alice-password | docker login --username alice --password-stdin {DTR}")
    lab.machine("dtr").run_expect([0], "tc qdisc replace dev eth0 root tbf rate 1500kbit burst 16kb latency 2s")


@pytest.fixture(scope="module")
def image(lab):
    return lab.manifest("engineering/app:1.0")


@pytest.fixture(scope="module")
def first(lab, image, _people):
    return _pull(lab, DESKS[:1], "engineering/app:1.0", answers=len(image.blobs))


@pytest.fixture(scope="module")
def second(lab, image, first):
    return _pull(lab, DESKS[1:2], "engineering/app:1.0", answers=len(image.blobs))


@pytest.fixture(scope="module")
def other_image(lab):
    return lab.manifest("engineering/app:2.0")


@pytest.fixture(scope="module")
def everybody(lab, other_image, second):
    return _pull(lab, DESKS, "engineering/app:2.0", answers=len(DESKS) * len(other_image.blobs))


def _pull(lab, desks, image, answers) -> Pulls:
    line, given, asked = _line_bytes(lab), len(lab.blob_answers(OFFICE)), len(lab.dtr_requests())
    together = threading.Barrier(len(desks))

    def at(desk):
        together.wait()
        return lab.machine(desk).run(f"docker pull {DTR}/{image}")

    started = time.monotonic()
    with ThreadPoolExecutor(len(desks)) as people:
        results = list(people.map(at, desks))
    seconds = time.monotonic() - started
    lab.wait_for(lambda: any(result.rc for result in results) or len(lab.blob_answers(OFFICE)) >= given + answers)
    outcomes = [(result.rc, result.stderr) for result in results]
    sent = _line_bytes(lab) - line
    return Pulls(outcomes, seconds, sent, lab.blob_answers(OFFICE)[given:], lab.dtr_requests()[asked:])


def _line_bytes(lab) -> int:
    """What has left DTR over the line so far, headers of all layers included."""
    return int(re.search(r"Sent (\d+) bytes", lab.machine("dtr").check_output("tc -s qdisc show dev eth0"))[1])


def test_the_first_pull_takes_as_long_as_the_line_needs(first, image):
    assert first.outcomes == [(0, "")]
    assert first.seconds > 0.9 * sum(image.blobs.values()) / LINE_BYTES_PER_S
    assert {answer.cache for answer in first.answers} == {"miss"}


def test_the_second_pull_in_the_office_is_at_least_ten_times_faster(first, second):
    assert second.outcomes == [(0, "")]
    assert first.seconds >= 10 * second.seconds


def test_the_second_pull_brings_no_blob_over_the_line(second, image):
    assert {answer.digest: answer.cache for answer in second.answers} == dict.fromkeys(image.blobs, "hit")
    assert blobs_given(second.requests) == {}
    assert second.line_bytes < 100_000


def test_five_that_start_together_all_get_the_image(everybody, other_image):
    assert everybody.outcomes == [(0, "")] * 5
    served = Counter((answer.digest, answer.status, answer.bytes) for answer in everybody.answers)
    assert served == {(digest, 200, size): 5 for digest, size in other_image.blobs.items()}


def test_dtr_gave_each_blob_to_the_five_once(everybody, other_image):
    assert blobs_given(everybody.requests) == dict.fromkeys(other_image.blobs, 1)


def test_the_cache_fetched_each_blob_for_one_of_them(everybody, other_image):
    fetched = Counter(answer.digest for answer in everybody.answers if answer.cache == "miss")
    assert fetched == dict.fromkeys(other_image.blobs, 1)


def test_each_byte_went_over_the_line_once(everybody, other_image):
    once = sum(other_image.blobs.values())
    assert once < everybody.line_bytes < 1.3 * once  # headers, handshakes and five manifests come on top


def test_five_wait_no_longer_than_one_would(everybody, other_image):
    assert everybody.seconds < 1.5 * sum(other_image.blobs.values()) / LINE_BYTES_PER_S
