# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""A roll-over in a cluster is over when only wanted pods are left, all of them ready."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.filter.deployment_progress import deployment_progress

READY = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def progress(**status):
    return deployment_progress([{"metadata": {"generation": 3}, "spec": {"replicas": 2}, "status": READY | status}])


def test_all_wanted_pods_ready_is_the_end():
    assert progress()["done"]
    assert (progress()["running"], progress()["wanted"]) == (2, 2)


@pytest.mark.parametrize("status", [
    {"observedGeneration": 2}, {"replicas": 3}, {"updatedReplicas": 1}, {"availableReplicas": 1},
    {"availableReplicas": None},
])
def test_a_status_of_yesterday_an_old_pod_or_one_that_is_not_ready_is_not(status):
    assert not progress(**status)["done"]


def test_a_deployment_that_is_not_there_or_has_no_status_yet_runs_nothing():
    assert deployment_progress([]) == {
        "done": False, "running": 0, "wanted": 0, "said": "the cluster knows no such Deployment."}
    fresh = deployment_progress([{"metadata": {"generation": 1}, "spec": {}}])
    assert (fresh["done"], fresh["running"], fresh["wanted"]) == (False, 0, 1)


def test_the_clusters_own_reasons_are_told_and_only_those():
    conditions = [
        {"type": "Available", "status": "False", "message": "no minimum availability"},
        {"type": "Progressing", "status": "True", "message": "going on"},
        {"type": "ReplicaFailure", "status": "True", "message": "quota exceeded"},
    ]
    assert progress(conditions=conditions)["said"] == "no minimum availability; quota exceeded"
    assert "kubectl describe pods" in progress()["said"]
