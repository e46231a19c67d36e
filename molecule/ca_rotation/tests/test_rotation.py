"""What users, caches and files say of the way from the old CAs to the new ones (rotation.py goes it)."""

from __future__ import annotations

import pytest
from playbook_output import failed
from rotation import CACHES, ENGINES, REPOSITORY, started

pytestmark = pytest.mark.timeout(1800)  # the way has three deployments
STEPS = ["overlap", "moved", "alone"]


@pytest.mark.parametrize("step", STEPS)
def test_each_deployment_goes_through(rotation, step):
    assert failed(rotation.outputs[step]) == set(), rotation.outputs[step]


def test_no_pull_fails_and_no_transfer_is_cut_from_the_first_step_to_the_last(rotation):
    assert rotation.pulls.failures == []


def test_no_cache_is_restarted(lab, rotation):
    assert started(lab) == rotation.started


def test_dtr_and_caches_show_new_certificates_only_when_everybody_trusts_both(rotation):
    everybody = ["dtr.test", *CACHES]
    assert rotation.shown == {
        "overlap": dict.fromkeys(everybody, "old"),
        "moved": dict.fromkeys(everybody, "new"),
        "alone": dict.fromkeys(everybody, "new"),
    }


def test_each_cache_trusts_both_cas_of_its_upstream_and_then_the_new_one_alone(rotation):
    dtr, caches = rotation.dtr, rotation.caches
    both = [dtr.old + dtr.new, caches.old + caches.new]
    assert rotation.trusted == {"overlap": both, "moved": both, "alone": [dtr.new, caches.new]}


@pytest.mark.parametrize("step", STEPS)
def test_in_every_step_each_cache_gets_from_its_upstream_what_it_has_not(lab, rotation, step):
    assert rotation.failures[step] == []
    blobs = set(lab.manifest(f"{REPOSITORY}:{step}").blobs)
    for name, upstream in zip(CACHES, ("https://dtr.test", "https://cache-seoul.test:5000"), strict=True):
        given = {answer.digest: answer for answer in lab.blob_answers(name) if answer.digest in blobs}
        assert set(given) == blobs
        assert {(one.status, one.cache, one.upstream) for one in given.values()} == {(200, "miss", upstream)}


@pytest.mark.parametrize("machine", ENGINES)
@pytest.mark.parametrize("whose", ["dtr", "caches"])
def test_no_machine_has_a_file_with_an_old_ca(lab, rotation, machine, whose):
    authorities = getattr(rotation, whose)
    assert _files_with(lab, machine, authorities.old) == []
    assert _files_with(lab, machine, authorities.new) != []


def _files_with(lab, machine, ca):
    line = ca.splitlines()[-3]  # of the certificate's middle: as good as a fingerprint
    return lab.machine(machine).run(f"grep --recursive --files-with-matches --fixed-strings {line} /etc").stdout.split()


@pytest.mark.parametrize("whose", ["dtr", "caches"])
def test_the_controller_has_no_file_with_an_old_ca(lab, rotation, whose):
    old, new = (getattr(getattr(rotation, whose), which).splitlines()[-3] for which in ("old", "new"))
    texts = [file.read_text() for file in lab.files.rglob("*.pem")]
    assert not any(old in text for text in texts)
    assert any(new in text for text in texts)
