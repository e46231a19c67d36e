# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Whom an operator means: a region of the inventory, a cache by its name in DTR, or DTR itself. Pure.

Owns that one reading, so that every playbook understands the same words. Whether DTR knows the name is its modules'
to find out."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cache_of_region
short_description: The name of the content cache that a word stands for
version_added: 0.1.0
description:
  - Takes the name of a region and returns the name of its content cache.
  - The word DTR, in any case, stands for no cache and gives an empty name. Any other word is a cache's name already.
options:
  _input:
    description: A region, a content cache, or DTR.
    type: str
    required: true
  regions:
    description: Regions, as P(dtr.caches.region_topology#filter) returns them.
    type: list
    elements: dict
    required: true
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Name the cache of a region
  ansible.builtin.debug:
    msg: "{{ 'asia' | dtr.caches.cache_of_region([{'region': 'asia', 'name': 'region-asia'}]) }}"
"""

RETURN = r"""
_value:
  description: Name of the content cache in DTR; empty for none.
  type: str
  sample: region-asia
"""

from collections.abc import Callable, Mapping, Sequence


def cache_of_region(word: str, regions: Sequence[Mapping]) -> str:
    """The cache's name; "" for DTR. A region's name wins over a cache's."""
    if str(word).lower() == "dtr":
        return ""
    return next((str(region["name"]) for region in regions if region["region"] == word), str(word))


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"cache_of_region": cache_of_region}
