# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""How far a Kubernetes Deployment is, from what the cluster tells about it. Pure.

Owns the question whether a roll-over is over. Waiting, and what to do about it, is the role's. Rule for editors: a
status that belongs to an older generation of the object says nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
name: deployment_progress
short_description: How far a Kubernetes Deployment is
version_added: 0.1.0
description:
  - Judges whether all pods of a Deployment are as wanted and ready, and no older ones are left.
options:
  _input:
    description: The Deployment in a list, as kubernetes.core.k8s_info returns it; empty if there is none.
    type: list
    elements: dict
    required: true
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Say how far it is
  ansible.builtin.debug:
    msg: "{{ deployments | dtr.caches.deployment_progress }}"
  vars:
    deployments:
      - metadata: {generation: 2}
        spec: {replicas: 1}
        status: {observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1}
"""

RETURN = r"""
_value:
  description: The Deployment's state.
  type: dict
  contains:
    done:
      description: Whether the wanted pods, and no others, are ready.
      type: bool
    running:
      description: Pods of the wanted state that are ready.
      type: int
    wanted:
      description: Pods that are wanted.
      type: int
    said:
      description: What the cluster says about it, for people.
      type: str
"""

from collections.abc import Callable, Mapping, Sequence


def deployment_progress(deployments: Sequence[Mapping]) -> dict:
    """The state of the only Deployment in the list; with none, nothing runs and nothing is done."""
    if not deployments:
        return {"done": False, "running": 0, "wanted": 0, "said": "the cluster knows no such Deployment."}
    deployment = deployments[0]
    status, wanted = deployment.get("status") or {}, int(deployment["spec"].get("replicas", 1))
    current = int(status.get("observedGeneration", 0)) >= int(deployment["metadata"].get("generation", 1))
    updated, available = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
    old = int(status.get("replicas") or 0) - updated
    running = min(updated, available) if current else 0
    return {
        "done": current and updated == available == wanted and old == 0,
        "running": running,
        "wanted": wanted,
        "said": _said(status),
    }


def _said(status: Mapping) -> str:
    """The messages of the conditions that do not hold, and of failures."""
    told = [
        str(condition.get("message", ""))
        for condition in status.get("conditions") or []
        if (condition["type"] == "ReplicaFailure") == (condition["status"] == "True")
    ]
    return "; ".join(filter(None, told)) or "the cluster names no reason (kubectl describe pods tells more)."


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"deployment_progress": deployment_progress}
