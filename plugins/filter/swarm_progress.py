# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""How far a swarm is with a service, from what Docker tells about the service and its tasks. Pure.

Owns the question whether a roll-over is over and how it ended. Waiting, and what to do about it, is the role's. Rule
for editors: the update that Docker reports may be one of another day; only tasks that run exactly what the service
wants count."""

from __future__ import annotations

DOCUMENTATION = r"""
name: swarm_progress
short_description: How far a swarm is with a service
version_added: 0.1.0
description:
  - Judges whether all replicas of a service run what the service wants, or whether the swarm went back or gave up.
options:
  _input:
    description:
      - C(service), the output of C(docker service inspect).
      - C(tasks), the output of C(docker inspect --type task) for its tasks.
    type: dict
    required: true
  exchanged:
    description: Whether the service was changed just now, so that a rollback is about this change.
    type: bool
    default: true
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Say how far it is
  ansible.builtin.debug:
    msg: "{{ {'service': [service], 'tasks': tasks} | dtr.caches.swarm_progress }}"
  vars:
    service: {"Spec": {"TaskTemplate": {"Runtime": "container"}, "Mode": {"Replicated": {"Replicas": 1}}}}
    tasks: []
"""

RETURN = r"""
_value:
  description: The service's state.
  type: dict
  contains:
    settled:
      description: Whether nothing is going on any more.
      type: bool
    done:
      description: Whether all replicas run what is wanted, and the swarm did not go back for it.
      type: bool
    running:
      description: Replicas that run what is wanted.
      type: int
    wanted:
      description: Replicas that are wanted.
      type: int
    nodes:
      description: Ids of the nodes of the running replicas.
      type: list
      elements: str
    said:
      description: What the swarm said about it, for people.
      type: str
"""

from collections.abc import Callable, Iterable, Mapping

from ansible.errors import AnsibleFilterError

_GOING_ON = ("updating", "rollback_started")
_ENDED_BADLY = ("paused", "rollback_completed", "rollback_paused")
# docker service inspect fills these in where nobody said them; a task's own account leaves them out.
_FILLED_IN = ("Runtime", "RestartPolicy", "StopGracePeriod", "MaxAttempts", "Delay", "Condition", "DNSConfig")


def swarm_progress(seen: Mapping, exchanged: bool = True) -> dict:
    """The state of `seen["service"][0]` with `seen["tasks"]`; raise AnsibleFilterError if there is no service in it."""
    try:
        service, tasks = seen["service"][0], seen["tasks"]
        template, replicas = service["Spec"]["TaskTemplate"], int(service["Spec"]["Mode"]["Replicated"]["Replicas"])
    except (KeyError, IndexError, TypeError):
        raise AnsibleFilterError("swarm_progress: found no replicated service in the docker client's output.") from None
    update = (service.get("UpdateStatus") or {}).get("State", "")
    running = [task for task in tasks if _runs(task) and _same(task["Spec"], template)]
    complete = len(running) == replicas == sum(map(_runs, tasks)) and update not in _GOING_ON
    return {
        "settled": complete or update in ("paused", "rollback_paused"),
        "done": complete and not (exchanged and update in _ENDED_BADLY),
        "running": len(running),
        "wanted": replicas,
        "nodes": [task["NodeID"] for task in running],
        "said": _said(service, tasks),
    }


def _runs(task: Mapping) -> bool:
    return task["DesiredState"] == "running" and task["Status"]["State"] == "running"


def _same(of_task: object, of_service: object) -> bool:
    if not isinstance(of_task, Mapping) or not isinstance(of_service, Mapping):
        return of_task == of_service
    missing = set(of_service) - set(of_task) - set(_FILLED_IN)
    return not missing and all(name in of_service and _same(of_task[name], of_service[name]) for name in of_task)


def _said(service: Mapping, tasks: Iterable[Mapping]) -> str:
    """The latest errors of tasks, each once, and the swarm's own sentence."""
    newest_first = sorted(tasks, key=lambda task: task["Status"].get("Timestamp", ""), reverse=True)
    errors = [task["Status"]["Err"] for task in newest_first if task["Status"].get("Err")]
    message = (service.get("UpdateStatus") or {}).get("Message", "")
    said = [*([f"the swarm says: {message}"] if message else []), *dict.fromkeys(errors[:5])]
    return "; ".join(said) or "the swarm names no reason."


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"swarm_progress": swarm_progress}
