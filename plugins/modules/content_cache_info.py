#!/usr/bin/python
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
# That licence is compatible with the GNU General Public License v3.0, which Ansible itself is under.

"""Task door of the list of content caches."""

from __future__ import annotations

DOCUMENTATION = r"""
module: content_cache_info
short_description: List the content caches that DTR knows
version_added: 0.1.0
description:
  - Returns all content caches that are registered with Docker Trusted Registry, or those of one name.
  - Any active account may read the list.
author:
  - The dtr.caches maintainers (!UNKNOWN)
extends_documentation_fragment:
  - dtr.caches.connection
  - dtr.caches.attributes
  - dtr.caches.attributes.info_module
  - dtr.caches.attributes.action_group
options:
  name:
    description: Only caches of this name. A name that DTR does not know gives an empty list.
    type: str
seealso:
  - module: dtr.caches.content_cache
"""

EXAMPLES = r"""
- name: Read all content caches
  dtr.caches.content_cache_info:
    dtr_url: https://dtr.example.com
    dtr_username: reporter
    dtr_token: "{{ dtr_reporter_token }}"
  delegate_to: localhost
  register: known

- name: Show them
  ansible.builtin.debug:
    msg: "{{ known.content_caches | items2dict(key_name='name', value_name='host') }}"
"""

RETURN = r"""
content_caches:
  description: The registered caches, ordered by name and id.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: UUID that DTR gave it. Account settings hold this.
      type: str
      sample: 7a4b6a52-6f0c-4a39-9b39-7d4a4b8e4a10
    name:
      description: The name that users see.
      type: str
      sample: region-asia
    host:
      description: The address that clients are redirected to.
      type: str
      sample: https://cache-asia.example.com:5000
duplicated_names:
  description: The names that more than one of the returned caches has.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.dtr.caches.plugins.module_utils.content_caches import ContentCaches
from ansible_collections.dtr.caches.plugins.module_utils.dtr_client import DtrClient
from ansible_collections.dtr.caches.plugins.module_utils.dtr_module import dtr_module, run


def read(module, connection):
    """The result of the task."""
    wanted = module.params["name"]
    found = [one for one in ContentCaches(DtrClient(connection)).all() if wanted is None or one.name == wanted]
    names = [one.name for one in found]
    return {
        "changed": False,
        "content_caches": [one.shown() for one in found],
        "duplicated_names": sorted({name for name in names if names.count(name) > 1}),
    }


def main():
    """Read the task's options and run."""
    module = dtr_module({"name": {"type": "str"}})
    run(module, lambda connection: read(module, connection))


if __name__ == "__main__":
    main()
