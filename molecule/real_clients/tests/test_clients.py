"""Each client pulls the same way three times: when no cache has its image, when the cache has it, and over a thin line.

On that line the cache's end of the connection is reset while the large layer is coming.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from clients import CLIENTS, Client
from evidence import Answer, DtrRequest, Manifest, blobs_given
from lab import CACHE, DTR

OFFICE, DESK = "cache-lisbon", "desk"
LINE = "rate 16mbit burst 32kb latency 400ms"  # the large layer takes two seconds
ENOUGH_BYTES = 600_000
CONNECTIONS = f"nsenter --target $(docker inspect --format '{{{{.State.Pid}}}}' {CACHE}) --net ss"


@dataclass(frozen=True)
class Pull:
    result: Any  # testinfra's
    answers: list[Answer]
    requests: list[DtrRequest]


@dataclass(frozen=True)
class Case:
    """A client and its three pulls; `again` is the one after the cut, where the client gave up."""

    client: Client
    image: Manifest
    first: Pull
    second: Pull
    cut: Pull
    again: Pull

    @property
    def large(self) -> str:
        return max(self.image.blobs, key=self.image.blobs.__getitem__)


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.name)
def case(lab, request) -> Case:
    client, image = request.param, lab.manifest(request.param.image)
    first, second = (_pull(lab, client, len(image.blobs)) for _ in range(2))
    lab.machine(OFFICE).run_expect([0], f"tc qdisc replace dev eth0 root tbf {LINE}")
    cut = _cut_pull(lab, client)
    lab.machine(OFFICE).run_expect([0], "tc qdisc del dev eth0 root")
    return Case(client, image, first, second, cut, _pull(lab, client, len(image.blobs)))


def _pull(lab, client, answers) -> Pull:
    answered, asked = len(lab.blob_answers(OFFICE)), len(lab.dtr_requests())
    desk = lab.machine(DESK)
    desk.run(client.forget)
    result = desk.run(client.pull)
    lab.wait_for(lambda: result.rc or len(lab.blob_answers(OFFICE)) >= answered + answers)
    return Pull(result, lab.blob_answers(OFFICE)[answered:], lab.dtr_requests()[asked:])


def _cut_pull(lab, client) -> Pull:
    answered = len(lab.blob_answers(OFFICE))
    with ThreadPoolExecutor(1) as user:
        pulling = user.submit(_pull, lab, client, 0)
        lab.wait_for(lambda: pulling.done() or _bytes_sent(lab) > ENOUGH_BYTES)
        assert not pulling.done(), pulling.result()
        lab.machine(OFFICE).run_expect([0], f"{CONNECTIONS} --kill state established 'sport = :5000'")
        pull = pulling.result()
    # The cut answer's line, and where the client went on, that of the rest.
    lab.wait_for(lambda: len(_bodies(lab.blob_answers(OFFICE)[answered:])) >= 1 + client.resumes)
    return Pull(pull.result, lab.blob_answers(OFFICE)[answered:], pull.requests)


def _bytes_sent(lab) -> int:
    """The most that the cache has sent on a connection that is open."""
    told = lab.machine(OFFICE).run(f"{CONNECTIONS} --tcp --info --no-header state established 'sport = :5000'").stdout
    return max(map(int, re.findall(r"bytes_acked:(\d+)", told)), default=0)


def _bodies(answers) -> list[Answer]:
    return [answer for answer in answers if answer.bytes > ENOUGH_BYTES]


def test_the_first_pull_comes_through_the_cache_which_has_nothing_yet(case):
    assert case.first.result.rc == 0, case.first.result.stderr
    assert {answer.digest: answer.bytes for answer in case.first.answers} == case.image.blobs
    assert {(answer.account, answer.cache, answer.upstream) for answer in case.first.answers} == {
        ("alice", "miss", f"https://{DTR}")
    }
    assert blobs_given(case.first.requests) == dict.fromkeys(case.image.blobs, 1)


def test_the_second_pull_is_served_by_the_cache_alone(case):
    assert case.second.result.rc == 0, case.second.result.stderr
    assert {answer.digest: answer.bytes for answer in case.second.answers} == case.image.blobs
    assert {answer.cache for answer in case.second.answers} == {"hit"}
    assert blobs_given(case.second.requests) == {}


def test_a_cut_connection_is_resumed_at_the_byte_that_was_reached_or_the_pull_says_that_it_failed(case):
    about_large = [answer for answer in case.cut.answers if answer.digest == case.large]
    size = case.image.blobs[case.large]
    begun, *rest = about_large
    assert (begun.status, begun.bytes < size) == (200, True)
    if case.client.resumes:
        assert case.cut.result.rc == 0, case.cut.result.stderr
        assert [answer.status for answer in rest] == [206]
        assert begun.bytes + rest[0].bytes >= size  # what was under way when it was cut comes twice
        assert rest[0].bytes < size
    else:
        assert case.cut.result.rc != 0
        assert rest == []


def test_a_client_that_resumes_is_sent_to_the_cache_by_dtr_anew(case):
    sent = [request for request in case.cut.requests if request.status == 307 and request.digest == case.large]
    assert len(sent) == 1 + case.client.resumes
    assert blobs_given(case.cut.requests) == {}


def test_after_the_cut_a_pull_is_served_whole_by_the_cache(case):
    assert case.again.result.rc == 0, case.again.result.stderr
    assert {answer.digest: answer.bytes for answer in case.again.answers} == case.image.blobs
    assert {answer.cache for answer in case.again.answers} == {"hit"}
