"""Each client pulls the same way three times: when no cache has its image, when the cache has it, and over a thin line.

On that line the connection ends while the large layer is coming.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from clients import CLIENTS, Client
from evidence import Answer, DtrRequest, Manifest, blobs_given
from lab import CACHE, DTR

OFFICE, DESK = "cache-lisbon", "desk"
LINE = "rate 16mbit burst 32kb latency 400ms"  # the large layer takes two seconds
SEND_BUFFER = "4096 65536 262144"  # bytes; else the kernel would take the whole layer from the cache at once
ENOUGH_BYTES = 600_000
PROCESS = f"$(docker inspect --format '{{{{.State.Pid}}}}' {CACHE})"
IN_NETWORK = f"nsenter --target {PROCESS} --net"
END_CONNECTIONS = (Path(__file__).parents[1] / "end_connections.py").read_text()


@dataclass(frozen=True)
class Pull:
    result: Any  # testinfra's
    answers: list[Answer]
    requests: list[DtrRequest]


@dataclass(frozen=True)
class Case:
    """A client and its pulls. `cut` has the answers about the large layer only; `again` is the pull after it."""

    client: Client
    image: Manifest
    first: Pull
    second: Pull
    cut: Pull
    again: Pull

    @property
    def large(self) -> str:
        return _large(self.image)


@pytest.fixture(scope="module")
def _short_buffer(lab):
    lab.machine(OFFICE).run_expect([0], f"{IN_NETWORK} sh -c 'echo {SEND_BUFFER} >/proc/sys/net/ipv4/tcp_wmem'")


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.name)
def case(lab, request, _short_buffer) -> Case:
    client, image = request.param, lab.manifest(request.param.image)
    first, second = (_pull(lab, client, len(image.blobs)) for _ in range(2))
    lab.machine(OFFICE).run_expect([0], f"tc qdisc replace dev eth0 root tbf {LINE}")
    cut = _cut_pull(lab, client, _large(image))
    lab.machine(OFFICE).run_expect([0], "tc qdisc del dev eth0 root")
    return Case(client, image, first, second, cut, _pull(lab, client, len(image.blobs)))


def _large(image) -> str:
    """The digest of its largest layer."""
    return max(image.blobs, key=image.blobs.__getitem__)


def _pull(lab, client, answers) -> Pull:
    answered, asked = len(lab.blob_answers(OFFICE)), len(lab.dtr_requests())
    desk = lab.machine(DESK)
    desk.run(client.forget)
    result = desk.run(client.pull)
    lab.wait_for(lambda: result.rc or len(lab.blob_answers(OFFICE)) >= answered + answers)
    return Pull(result, lab.blob_answers(OFFICE)[answered:], lab.dtr_requests()[asked:])


def _cut_pull(lab, client, layer) -> Pull:
    answered = len(lab.blob_answers(OFFICE))
    _end_connections(lab)  # what others left open must not be taken for the client's
    with ThreadPoolExecutor(1) as user:
        pulling = user.submit(_pull, lab, client, 0)
        lab.wait_for(lambda: pulling.done() or _bytes_sent(lab) > ENOUGH_BYTES)
        assert not pulling.done(), pulling.result()
        assert _end_connections(lab) > 0
        pull = pulling.result()
    # The cut answer's line, and where the client went on, that of the rest.
    lab.wait_for(lambda: len(_about(lab, layer, answered)) >= 1 + client.resumes)
    return Pull(pull.result, _about(lab, layer, answered), pull.requests)


def _end_connections(lab) -> int:
    return int(lab.machine(OFFICE).check_output(f"python3 -c %s {PROCESS} 5000", END_CONNECTIONS))


def _about(lab, layer, after) -> list[Answer]:
    return [answer for answer in lab.blob_answers(OFFICE)[after:] if answer.digest == layer]


def _bytes_sent(lab) -> int:
    """The most that the cache has sent on a connection that is open."""
    told = lab.machine(OFFICE).run(f"{IN_NETWORK} ss --tcp --info --no-header state established 'sport = :5000'").stdout
    return max(map(int, re.findall(r"bytes_acked:(\d+)", told)), default=0)


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
    size = case.image.blobs[case.large]
    begun, *rest = case.cut.answers
    assert begun.status == 200
    assert begun.bytes < size
    if case.client.resumes:
        assert case.cut.result.rc == 0, case.cut.result.stderr
        assert [answer.status for answer in rest] == [206]
        assert 0 < rest[0].bytes < size
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
