# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Which nodes of a swarm may run a service, as far as their labels say. Pure.

Owns the constraints about labels. The scheduler knows more kinds; those are left to it. Rule for editors: never name
a node that the scheduler would refuse for its labels, its availability or its state."""

from __future__ import annotations

DOCUMENTATION = r"""
name: swarm_nodes
short_description: Which nodes of a swarm may run a service
version_added: 0.1.0
description:
  - Names the nodes that are ready, active and satisfy constraints about labels.
  - Other constraints are taken as satisfied.
options:
  _input:
    description: Nodes, as M(community.docker.docker_swarm_info) returns them with its verbose output.
    type: list
    elements: dict
    required: true
  constraints:
    description: Constraints, as C(docker service create --constraint) has them.
    type: list
    elements: str
    required: true
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Say where the cache may run
  ansible.builtin.debug:
    msg: "{{ nodes | dtr.caches.swarm_nodes(['node.labels.dtr.cache == true']) }}"
  vars:
    nodes:
      - Description: {Hostname: asia-1}
        Spec: {Availability: active, Labels: {dtr.cache: "true"}}
        Status: {State: ready}
"""

RETURN = r"""
_value:
  description: Host names.
  type: list
  elements: str
"""

from collections.abc import Callable, Iterable, Mapping, Sequence


def swarm_nodes(nodes: Sequence[Mapping], constraints: Sequence[str]) -> list[str]:
    """Names of the active nodes that satisfy `constraints`, as far as these are about labels."""
    wanted = [one for one in (_label_wanted(constraint) for constraint in constraints) if one]
    return [node["Description"]["Hostname"] for node in nodes if _active(node) and _has_labels(node, wanted)]


def _label_wanted(constraint: str) -> tuple[str, str, bool] | None:
    for operator, equal in (("==", True), ("!=", False)):
        name, found, value = str(constraint).partition(operator)
        if found and name.strip().startswith("node.labels."):
            return name.strip().removeprefix("node.labels."), value.strip(), equal
    return None


def _active(node: Mapping) -> bool:
    return node["Spec"].get("Availability") == "active" and node["Status"].get("State") == "ready"


def _has_labels(node: Mapping, wanted: Iterable[tuple[str, str, bool]]) -> bool:
    labels = node["Spec"].get("Labels") or {}
    return all((labels.get(name) == value) == equal for name, value, equal in wanted)


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"swarm_nodes": swarm_nodes}
