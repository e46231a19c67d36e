"""Bob in China pulls through a cache whose upstreams are the two caches of Asia. They take turns.

Then one of them is killed, and later one is frozen, while it sends a layer: the other goes on from the byte that was
reached. The lines of Asia's caches are thin, so that "in the middle" can be met.
"""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from evidence import Answer
from lab import CACHE, Pull

LEAF = "cache-beijing"
PARENTS = {f"https://{name}.test:5000": name for name in ("cache-seoul", "cache-singapore")}
DATA = "/var/lib/docker/volumes/dtr-cache-data/_data"
LINE = "rate 12mbit burst 32kb latency 400ms"  # a layer of 6 MiB takes four seconds
ENOUGH_BYTES = 1_000_000
PROCESS = f"$(docker inspect --format '{{{{.State.Pid}}}}' {CACHE})"
IN_NETWORK = f"nsenter --target {PROCESS} --net"


@dataclass(frozen=True)
class BrokenPull:
    """A pull whose upstream `victim` failed; `resumed` says who went on (address) and from which byte."""

    pull: Pull
    layer: str
    size: int
    victim: str
    resumed: tuple[str, int]
    answers_of_other: list[Answer]  # to the leaf, about the layer


@pytest.fixture(scope="module", autouse=True)
def _thin_lines(lab, turns):
    for name in PARENTS.values():
        lab.machine(name).run_expect([0], f"tc qdisc replace dev eth0 root tbf {LINE}")


@pytest.fixture(scope="module")
def turns(lab):
    image = lab.manifest("engineering/app:1.0")
    pull = lab.witnessed_pull(LEAF, "bob", "engineering/app:1.0", answers=len(image.blobs))
    lab.forget_image(LEAF, "engineering/app:1.0")
    return pull


@pytest.fixture(scope="module")
def killed(lab, turns):
    broken = _pull_and_break(lab, "engineering/app:2.0", "kill")
    lab.machine(broken.victim).run_expect([0], f"docker start {CACHE}")
    probe = f"docker exec {CACHE} dtr-content-cache --probe /config.yml"
    lab.wait_for(lambda: lab.machine(broken.victim).run(probe).rc == 0)
    return broken


@pytest.fixture(scope="module")
def frozen(lab, killed):
    broken = _pull_and_break(lab, "engineering/app:3.0", "pause")
    lab.machine(broken.victim).run_expect([0], f"docker unpause {CACHE}")
    return broken


def _pull_and_break(lab, image, how) -> BrokenPull:
    blobs = lab.manifest(image).blobs
    layer, size = max(blobs.items(), key=lambda blob: blob[1])
    with ThreadPoolExecutor(1) as user:
        pulling = user.submit(lab.witnessed_pull, LEAF, "bob", image, len(blobs))
        lab.wait_for(lambda: pulling.done() or _fetched_from(lab, layer))
        before = _bytes_received(lab)
        lab.wait_for(lambda: pulling.done() or _bytes_received(lab) - before > ENOUGH_BYTES)
        assert not pulling.done(), pulling.result()
        (victim,) = (PARENTS[address] for address in _fetched_from(lab, layer))
        lab.machine(victim).run_expect([0], f"docker {how} {CACHE}")
        pull = pulling.result()
    lab.forget_image(LEAF, image)
    (other,) = set(PARENTS.values()) - {victim}
    lab.wait_for(lambda: _about(lab, other, layer))
    return BrokenPull(pull, layer, size, victim, _resumed(lab, layer), _about(lab, other, layer))


def _bytes_received(lab) -> int:
    """By the leaf, on the connections to its upstreams that are open."""
    told = lab.machine(LEAF).run(f"{IN_NETWORK} ss --tcp --info --no-header state established 'dport = :5000'").stdout
    return sum(map(int, re.findall(r"bytes_received:(\d+)", told)))


def _leaf_says(lab, message, digest) -> list[str]:
    log = lab.machine(LEAF).check_output(f"docker logs {CACHE} 2>&1 >/dev/null")
    return [line for line in log.splitlines() if f'msg="{message}"' in line and digest in line]


def _fetched_from(lab, digest) -> list[str]:
    return [re.search(r'upstream="([^"]+)"', line)[1] for line in _leaf_says(lab, "fill started", digest)]


def _resumed(lab, digest) -> tuple[str, int]:
    (line,) = _leaf_says(lab, "fill goes on with the next upstream", digest)
    return re.search(r'upstream="([^"]+)"', line)[1], int(re.search(r"offset=(\d+)", line)[1])


def _about(lab, office, digest) -> list[Answer]:
    return [answer for answer in lab.blob_answers(office) if answer.digest == digest]


def test_the_upstreams_take_turns(turns):
    assert turns.result.rc == 0, turns.result.stderr
    asked = Counter(answer.upstream for answer in turns.answers)
    assert set(asked) == set(PARENTS)
    assert max(asked.values()) - min(asked.values()) <= 1


@pytest.mark.parametrize("failure", ["killed", "frozen"])
class TestAnUpstreamThatFailsInTheMiddleOfALayer:
    @pytest.fixture
    def broken(self, failure, request) -> BrokenPull:
        return request.getfixturevalue(failure)

    def test_the_pull_succeeds(self, broken):
        assert broken.pull.result.rc == 0, broken.pull.result.stderr

    def test_the_client_got_the_layer_in_one_whole_answer(self, broken):
        to_client = [answer for answer in broken.pull.answers if answer.digest == broken.layer]
        assert [(answer.status, answer.bytes) for answer in to_client] == [(200, broken.size)]

    def test_the_other_upstream_went_on_from_the_byte_that_was_reached(self, broken):
        address, offset = broken.resumed
        assert PARENTS[address] != broken.victim
        assert 0 < offset < broken.size
        assert [(answer.status, answer.bytes) for answer in broken.answers_of_other] == [(206, broken.size - offset)]

    def test_the_layer_on_the_leafs_disk_is_what_its_name_says(self, lab, broken):
        name = broken.layer.removeprefix("sha256:")
        file = lab.machine(LEAF).file(f"{DATA}/docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data")
        assert file.sha256sum == name
