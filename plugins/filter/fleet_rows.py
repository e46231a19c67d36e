# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""How every region stands, as data. The judgement is plugin_utils/fleet_judgement.py.

Owns the filter's options. Rule for editors: it asks nobody; what was found out is passed in."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_rows
short_description: How the cache of each region stands
version_added: 0.1.0
description:
  - Judges each region by what its hosts, its caches and DTR said, the sick ones first.
  - What nobody said is unknown and never counts as well.
options:
  _input:
    description: Regions, as P(dtr.caches.region_topology#filter) returns them.
    type: list
    elements: dict
    required: true
  hosts:
    description:
      - What is known of each host, by its name.
      - C(reached) (whether Ansible reached it), C(problem) (why not, or what failed there), C(answers) (empty, or why
        clients get no answer), C(facts) (version, free_bytes, certificate), C(status) (the cache's own status
        document, empty without one).
    type: dict
    required: true
  caches:
    description: RV(dtr.caches.content_cache_info#module:content_caches); C(none) if DTR did not say.
    type: list
    elements: dict
    required: true
  accounts:
    description: RV(dtr.caches.account_settings_info#module:accounts); C(none) if DTR did not say.
    type: list
    elements: dict
    required: true
  days:
    description: A certificate that ends within so many days needs a look.
    type: int
    default: 14
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Name the sick regions
  ansible.builtin.debug:
    msg: "{{ rows | selectattr('state', 'equalto', 'sick') | map(attribute='region') }}"
  vars:
    rows: "{{ regions | dtr.caches.fleet_rows(hosts, caches, accounts) }}"
"""

RETURN = r"""
_value:
  description: A row for each region.
  type: list
  elements: dict
  contains:
    region:
      description: Its name in the inventory.
      type: str
    state:
      description: The worst of what was found; C(sick), C(care) or C(well).
      type: str
    why:
      description: A sentence for each thing that is not as it should be, beside those of the hosts.
      type: list
      elements: str
    registered:
      description: What DTR knows of it; C(right), C(wrong), C(missing) or C(unknown).
      type: str
    users:
      description: Accounts that use it.
      type: list
      elements: str
    hosts:
      description: A row for each host, with C(host), C(state), C(why), C(version), C(certificate_days),
        C(used_bytes), C(free_bytes), C(hit_ratio).
      type: list
      elements: dict
"""

from collections.abc import Callable

from ansible_collections.dtr.caches.plugins.plugin_utils.fleet_judgement import judged_regions


def fleet_rows(regions: list, hosts: dict, caches: list | None, accounts: list | None, days: int = 14) -> list[dict]:
    """A row for each region, the sick first."""
    return judged_regions(regions, hosts, caches, accounts, int(days))


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"fleet_rows": fleet_rows}
