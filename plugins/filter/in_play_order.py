# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Which hosts of a region a play has, in the play's order. Pure.

Owns that order, on which it hangs which host speaks for its region, so that every play finds the same one. Rule for
editors: no sets, whose order is another one in each run; Ansible's own intersect makes one."""

from __future__ import annotations

DOCUMENTATION = r"""
name: in_play_order
short_description: The hosts of a region that a play has, in the play's order
version_added: 0.1.0
description:
  - Takes the hosts of a region and returns those that are among a play's hosts, in the order in which the play works.
options:
  _input:
    description: Inventory names of a region's hosts.
    type: list
    elements: str
    required: true
  play_hosts:
    description: C(ansible_play_hosts_all), or C(ansible_play_hosts) to leave out those that failed or are out of reach.
    type: list
    elements: str
    required: true
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Do it once a region
  ansible.builtin.debug:
    msg: "{{ inventory_hostname }} speaks for its region."
  when: inventory_hostname == content_cache_region.hosts | dtr.caches.in_play_order(ansible_play_hosts_all) | first
"""

RETURN = r"""
_value:
  description: Inventory names.
  type: list
  elements: str
  sample: [asia-1, asia-2]
"""

from collections.abc import Callable, Collection, Sequence


def in_play_order(hosts: Collection[str], play_hosts: Sequence[str]) -> list[str]:
    """Those of `play_hosts` that are among `hosts`."""
    return [host for host in play_hosts if host in hosts]


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"in_play_order": in_play_order}
