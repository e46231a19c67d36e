"""Who does not speak TLS with the cache as it must be spoken gets nothing, and is told why."""

from __future__ import annotations

import pytest
from evidence import blobs_given
from lab import CACHE, DTR

OFFICE, DESK = "cache-lisbon", "desk"
ADDRESS = f"{OFFICE}.test:5000"
IMAGE = "engineering/app:1.0"
OFFICES_CA = f"/etc/docker/certs.d/{DTR}/caches.crt"


@pytest.fixture(scope="module")
def desk(lab):
    return lab.machine(DESK)


@pytest.fixture(scope="module")
def stranger(lab, desk):
    """A pull by an engine that trusts DTR and not the office's CA; what cache and DTR saw of it."""
    desk.run_expect([0], f"mv {OFFICES_CA} /caches.crt")
    asked, answered = len(lab.dtr_requests()), len(lab.blob_answers(OFFICE))
    result = lab.pull(DESK, "alice", IMAGE)
    requests, answers = lab.dtr_requests()[asked:], lab.blob_answers(OFFICE)[answered:]
    desk.run_expect([0], f"mv /caches.crt {OFFICES_CA}")
    return result, requests, answers


@pytest.fixture(scope="module")
def trusting(lab, stranger):
    return lab.pull(DESK, "alice", IMAGE)


def _speak(desk, *options):
    """A TLS handshake with the cache, checked against the office's CA."""
    command = f"openssl s_client -connect {ADDRESS} -CAfile {OFFICES_CA} -verify_return_error {' '.join(options)}"
    return desk.run(f"{command} </dev/null 2>&1")


def test_docker_says_that_it_does_not_know_the_authority(stranger):
    result, _, _ = stranger
    assert result.rc != 0
    assert "x509: certificate signed by unknown authority" in result.stderr


def test_dtr_sent_it_to_the_cache_and_nobody_gave_it_a_byte(stranger):
    _, requests, answers = stranger
    assert {request.location_host for request in requests if request.status == 307} == {ADDRESS}
    assert answers == []
    assert blobs_given(requests) == {}


def test_the_same_engine_pulls_once_it_trusts_the_authority(trusting):
    assert trusting.rc == 0, trusting.stderr


@pytest.mark.usefixtures("trusting")
def test_below_the_least_version_there_is_no_handshake(desk):
    refused = _speak(desk, "-tls1_2")
    assert refused.rc != 0
    assert "alert protocol version" in refused.stdout
    spoken = _speak(desk, "-tls1_3", f"-verify_hostname {OFFICE}.test")
    assert spoken.rc == 0, spoken.stdout
    assert "Verification: OK" in spoken.stdout


def test_by_another_name_the_certificate_is_refused(desk, trusting):
    elsewhere = desk.run(
        f"curl --silent --show-error --cacert {OFFICES_CA} --connect-to elsewhere.test:5000:{ADDRESS} "
        "https://elsewhere.test:5000/v2/"
    )
    assert elsewhere.rc == 60
    assert "elsewhere.test" in elsewhere.stderr


def test_without_tls_there_is_no_answer(desk, trusting):
    plain = desk.run(f"curl --silent --show-error --max-time 20 http://{ADDRESS}/v2/_catalog")
    assert plain.rc != 0
    assert plain.stdout == ""


def test_none_of_this_disturbs_the_cache(lab, desk, trusting):
    assert lab.machine(OFFICE).run(f"docker exec {CACHE} dtr-content-cache --probe /config.yml").rc == 0
    assert lab.pull(DESK, "alice", IMAGE).rc == 0
    log = lab.machine(OFFICE).check_output(f"docker logs {CACHE} 2>&1")
    assert "Traceback" not in log
    assert "no TLS with this client" in log
