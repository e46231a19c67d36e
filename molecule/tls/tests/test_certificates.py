"""The certificates of both regions are renewed, and each is wrong: Lisbon's is for another name, Porto's has ended.

`renewed` is that deployment. `ended`: then Lisbon's good certificate runs out while the cache is in use. `mended`: a
good one is deployed.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import pytest
from certificates import issue
from lab import CACHE
from playbook_output import failures

LISBON, PORTO = "cache-lisbon", "cache-porto"
DESK = "desk"
IMAGE = "engineering/app:1.0"
IN_FORCE = "/etc/dtr-cache/current/certs"


@dataclass(frozen=True)
class Renewal:
    other_name: str  # what the playbook says about Lisbon
    ended: str  # and about Porto
    before: list[str]  # containers and certificates of both hosts
    after: list[str]
    registered: tuple[Any, Any]  # what DTR knows, before and after


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@pytest.fixture(scope="module")
def renewed(lab) -> Renewal:
    _issue(lab, LISBON, "elsewhere.test", _now() + datetime.timedelta(days=30))
    _issue(lab, PORTO, f"{PORTO}.test", _now() - datetime.timedelta(days=1))
    before, known = _state(lab), lab.ask_dtr("/api/v0/content_caches")
    wrong = "{{ lab_files }}/wrong-{{ inventory_hostname }}"
    options = [f"cache_host_tls_certificate={wrong}.pem", f"cache_host_tls_key={wrong}-key.pem"]
    words = [word for option in ["cache_host_healthy_within=5", *options] for word in ("-e", option)]
    # Apart, for another name is found before any host changes, and ends the deployment of all of them.
    outputs = [lab.playbook("deploy-caches.yml", "--limit", region, *words) for region in ("lisbon", "porto")]
    return Renewal(*outputs, before, _state(lab), (known, lab.ask_dtr("/api/v0/content_caches")))


def _issue(lab, host, name, ends):
    return issue(lab.files / "office-ca", lab.files / f"wrong-{host}", name, ends)


def _state(lab) -> list[str]:
    containers = f"docker inspect --format '{{{{.Id}}}} {{{{.State.Running}}}}' {CACHE}"
    return [lab.machine(host).check_output(f"{containers}; cat {IN_FORCE}/cache.pem") for host in (LISBON, PORTO)]


@pytest.fixture(scope="module")
def ended(lab, renewed):
    """Alice's pull when Lisbon's certificate has run out, and what verify-caches.yml says."""
    ends = _now() - datetime.timedelta(minutes=1)
    for path, file in zip(_issue(lab, LISBON, f"{LISBON}.test", ends), ("cache.pem", "cache-key.pem"), strict=True):
        lab.machine(LISBON).run_expect([0], f"printf %%s %s >{IN_FORCE}/{file}", path.read_text())
    handshake = f"openssl s_client -connect {LISBON}.test:5000 </dev/null 2>/dev/null | openssl x509 -noout -checkend 0"
    lab.wait_for(lambda: lab.machine(DESK).run(handshake).rc != 0, seconds=60)
    return lab.pull(DESK, "alice", IMAGE), lab.playbook("verify-caches.yml", "--limit", "lisbon")


@pytest.fixture(scope="module")
def mended(lab, ended):
    return lab.playbook("deploy-caches.yml", "--limit", "lisbon")


def test_the_operator_is_told_which_certificate_is_not_for_the_name_that_clients_use(renewed):
    told = f"the certificate is for elsewhere.test, but clients are sent to {LISBON}.test"
    assert told in failures(renewed.other_name)[LISBON]


def test_the_operator_is_told_which_certificate_has_ended(renewed):
    assert "the cache's TLS does not work: certificate has expired" in failures(renewed.ended)[PORTO]


def test_both_hosts_go_on_with_the_certificate_that_they_had(renewed):
    assert renewed.after == renewed.before
    assert renewed.registered[0] == renewed.registered[1]
    assert {cache["name"] for cache in renewed.registered[1]} == {"region-lisbon", "region-porto"}


def test_users_pull_as_before(lab, renewed):
    pull = lab.pull(DESK, "alice", IMAGE)
    assert pull.rc == 0, pull.stderr


def test_when_a_certificate_runs_out_docker_says_so(ended):
    pull, _ = ended
    assert pull.rc != 0
    assert "x509: certificate has expired" in pull.stderr


def test_verify_names_the_host_and_the_reason(ended):
    _, output = ended
    assert "expired" in failures(output)[LISBON]


def test_the_next_deployment_mends_it(lab, mended):
    assert failures(mended) == {}
    pull = lab.pull(DESK, "alice", IMAGE)
    assert pull.rc == 0, pull.stderr
