"""A service of two replicas on three nodes that share a folder: deployed, rolled over, rolled back, a node lost."""

from __future__ import annotations

from evidence import blobs_given
from playbook_output import failed
from service import CACHE_IMAGE, MANAGER, NODES

SHARED = "/srv/dtr-cache/docker/registry/v2/blobs/sha256"


def test_each_replica_takes_the_port_of_a_node_that_has_the_label(service, deployed):
    assert len(deployed.replicas) == 2
    assert service.specification["TaskTemplate"]["Placement"]["Constraints"] == ["node.labels.dtr.cache == true"]
    (port,) = service.specification["EndpointSpec"]["Ports"]
    assert (port["PublishedPort"], port["PublishMode"]) == (5000, "host")


def test_dtr_learned_one_address_for_all_of_them(lab, deployed):
    (cache,) = lab.ask_dtr("/api/v0/content_caches")
    assert (cache["name"], cache["host"]) == ("region-lisbon", "https://lisbon.test:5000")
    assert lab.cache_in_use_by("alice") == "region-lisbon"


def test_no_secret_is_a_config(service, deployed):
    assert {name.rpartition("-")[0] for name in deployed.objects["secret"]} == {"dtr-cache-cache-key"}
    for name in deployed.objects["config"]:
        shown = service.lab.machine(MANAGER).check_output(f"docker config inspect --pretty {name}")
        assert "PRIVATE KEY" not in shown


def test_what_one_replica_fetched_the_other_serves_from_the_shared_folder(lab, service, deployed, blobs):
    assert deployed.pulls.failures == []
    answers = {node: service.answers(node) for node in deployed.replicas}
    assert all(answers.values())
    assert _given_by_dtr(lab, blobs) == dict.fromkeys(blobs, 1)
    for digest in blobs:
        name = digest.removeprefix("sha256:")
        assert {_sum(lab, node, name) for node in NODES} == {name}


def _given_by_dtr(lab, blobs):
    """How often each left DTR; nodes get the cache's own image from there too."""
    return {digest: times for digest, times in blobs_given(lab.dtr_requests()).items() if digest in blobs}


def _sum(lab, node, name):
    return lab.machine(node).file(f"{SHARED}/{name[:2]}/{name}/data").sha256sum


def test_the_service_rolls_over_to_a_new_version(rolled):
    assert failed(rolled.output) == set(), rolled.output
    assert set(rolled.replicas.values()) == {f"{CACHE_IMAGE}:0.2.0"}
    assert len(rolled.replicas) == 2


def test_a_new_version_with_the_same_files_uses_the_same_configs_and_secrets(deployed, rolled):
    assert rolled.objects == deployed.objects


def test_no_pull_fails_while_it_rolls_over(rolled):
    assert rolled.pulls.failures == []


def test_a_version_that_does_not_serve_is_rolled_back_and_the_run_fails(broken):
    assert failed(broken.output) == {MANAGER}, broken.output
    assert "this version cannot serve" in broken.output
    assert broken.image == f"{CACHE_IMAGE}:0.2.0"
    assert set(broken.replicas.values()) == {f"{CACHE_IMAGE}:0.2.0"}


def test_no_pull_fails_while_it_is_rolled_back(broken):
    assert broken.pulls.failures == []


def test_the_rollback_leaves_no_config_or_secret_behind(rolled, broken):
    assert broken.objects == rolled.objects


def test_a_lost_node_fails_no_pull(lost):
    assert lost.pulls.failures == []


def test_the_replica_that_takes_its_place_serves_what_it_never_fetched(lab, service, broken, lost, blobs):
    (heir,) = set(lost.replicas) - set(broken.replicas)
    assert {answer.cache for answer in service.answers(heir)[-len(blobs) :]} == {"hit"}
    assert _given_by_dtr(lab, blobs) == dict.fromkeys(blobs, 1)
