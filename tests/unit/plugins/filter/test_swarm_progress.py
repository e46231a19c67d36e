# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""A roll-over in a swarm is over when every replica runs what the service wants, and nobody runs anything else."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.dtr.caches.plugins.filter.swarm_progress import swarm_progress

WANTED, BEFORE = {"ContainerSpec": {"Image": "cache:2"}}, {"ContainerSpec": {"Image": "cache:1"}}


def task(spec=WANTED, state="running", desired="running", error="", when="1", node="n1"):
    return {"Spec": spec, "DesiredState": desired, "NodeID": node,
            "Status": {"State": state, "Err": error, "Timestamp": when}}


def progress(*tasks, replicas=1, update="", message="", exchanged=True):
    service = {"Spec": {"TaskTemplate": WANTED, "Mode": {"Replicated": {"Replicas": replicas}}}}
    if update:
        service["UpdateStatus"] = {"State": update, "Message": message}
    return swarm_progress({"service": [service], "tasks": list(tasks)}, exchanged)


def test_every_replica_running_what_is_wanted_is_the_end():
    told = progress(task(), task(node="n2"), task(BEFORE, "shutdown", "shutdown"), replicas=2)
    assert (told["settled"], told["done"], told["running"], told["nodes"]) == (True, True, 2, ["n1", "n2"])


@pytest.mark.parametrize("tasks", [
    (),
    (task(state="starting"),),
    (task(BEFORE),),
    (task(), task(BEFORE)),
])
def test_a_replica_that_is_missing_not_healthy_yet_or_still_the_old_one_is_waited_for(tasks):
    assert not progress(*tasks)["settled"]
    assert not progress(*tasks)["done"]


def test_what_the_docker_client_fills_in_for_a_service_makes_no_task_an_old_one():
    filled_in = WANTED | {"Runtime": "container", "RestartPolicy": {"Condition": "any"}}
    service = {"Spec": {"TaskTemplate": filled_in, "Mode": {"Replicated": {"Replicas": 1}}}}
    assert swarm_progress({"service": [service], "tasks": [task()]})["done"]
    limited = service["Spec"] | {"TaskTemplate": filled_in | {"Resources": {"Limits": {"MemoryBytes": 1}}}}
    assert not swarm_progress({"service": [{"Spec": limited}], "tasks": [task()]})["done"]


@pytest.mark.parametrize("update", ["updating", "rollback_started"])
def test_an_update_under_way_is_waited_for_even_if_all_replicas_run(update):
    assert not progress(task(), update=update)["settled"]


def test_a_swarm_that_went_back_has_settled_but_is_not_done():
    told = progress(task(), update="rollback_completed", message="rollback completed")
    assert (told["settled"], told["done"]) == (True, False)
    assert "rollback completed" in told["said"]


def test_a_rollback_of_another_day_does_not_count_against_an_unchanged_service():
    assert progress(task(), update="rollback_completed", exchanged=False)["done"]


def test_a_swarm_that_gave_up_has_settled():
    assert progress(task(state="failed"), update="paused")["settled"]


def test_the_tasks_errors_are_told_once_each_the_latest_first():
    tasks = [task(state="failed", error="no such image", when="1"), task(state="failed", error="exit 1", when="2"),
             task(state="failed", error="exit 1", when="3")]
    assert progress(*tasks)["said"] == "exit 1; no such image"
    assert progress()["said"] == "the swarm names no reason."


GLOBAL = {"Spec": {"Mode": {"Global": {}}, "TaskTemplate": {}}}


@pytest.mark.parametrize("seen", [{}, {"service": [], "tasks": []}, {"service": [GLOBAL], "tasks": []}])
def test_anything_but_a_replicated_service_is_refused_in_words(seen):
    with pytest.raises(AnsibleFilterError, match="found no replicated service"):
        swarm_progress(seen)
