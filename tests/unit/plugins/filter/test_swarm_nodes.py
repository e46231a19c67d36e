# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""A node is named only if the scheduler would not refuse it for its labels, availability or state."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.filter.swarm_nodes import swarm_nodes


def node(name, labels=None, availability="active", state="ready"):
    return {
        "Description": {"Hostname": name},
        "Spec": {"Availability": availability, "Labels": labels},
        "Status": {"State": state},
    }


NODES = [
    node("labelled", {"dtr.cache": "true", "rack": "2"}),
    node("other", {"dtr.cache": "false"}),
    node("bare"),
    node("drained", {"dtr.cache": "true"}, availability="drain"),
    node("down", {"dtr.cache": "true"}, state="down"),
]


@pytest.mark.parametrize(("constraints", "names"), [
    ([], ["labelled", "other", "bare"]),
    (["node.labels.dtr.cache == true"], ["labelled"]),
    (["node.labels.dtr.cache==true"], ["labelled"]),
    (["node.labels.dtr.cache == true", "node.labels.rack == 3"], []),
    (["node.labels.dtr.cache != true"], ["other", "bare"]),
    (["node.role == worker"], ["labelled", "other", "bare"]),
])
def test_constraints_about_labels_choose_among_the_active_nodes(constraints, names):
    assert swarm_nodes(NODES, constraints) == names
