#!/usr/bin/python
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
# That licence is compatible with the GNU General Public License v3.0, which Ansible itself is under.

"""Task door of the report on who uses which content cache."""

from __future__ import annotations

DOCUMENTATION = r"""
module: account_settings_info
short_description: Report which DTR account uses which content cache
version_added: 0.1.0
description:
  - Reads the settings of one account, of a list of accounts, or of all accounts of a filter.
  - Reading the settings of others needs a system admin.
author:
  - The dtr.caches maintainers (!UNKNOWN)
extends_documentation_fragment:
  - dtr.caches.connection
  - dtr.caches.account_selection
  - dtr.caches.attributes
  - dtr.caches.attributes.info_module
  - dtr.caches.attributes.action_group
seealso:
  - module: dtr.caches.account_settings
"""

EXAMPLES = r"""
- name: Read who uses what
  dtr.caches.account_settings_info:
    dtr_url: https://dtr.example.com
    dtr_username: admin
    dtr_password: "{{ dtr_admin_password }}"
    filter: users
  delegate_to: localhost
  register: usage

- name: Show the people of each cache
  ansible.builtin.debug:
    var: usage.accounts_by_content_cache
"""

RETURN = r"""
accounts:
  description: Every account of the selection and its content cache.
  returned: success
  type: list
  elements: dict
  contains:
    account:
      description: Name of the account.
      type: str
      sample: alice
    content_cache:
      description: Name of the cache that it uses. Empty for none, or if DTR does not know the cache any more.
      type: str
      sample: region-asia
    content_cache_id:
      description: UUID in the settings. Empty for none.
      type: str
      sample: 7a4b6a52-6f0c-4a39-9b39-7d4a4b8e4a10
    host:
      description: The address that the account is redirected to. Empty if it pulls from DTR itself.
      type: str
      sample: https://cache-asia.example.com:5000
    deregistered:
      description: Whether the settings name a cache that DTR does not know any more. It then serves the account itself.
      type: bool
      sample: false
accounts_by_content_cache:
  description: The account names for each cache name; the empty name stands for no cache.
  returned: success
  type: dict
  sample: {"region-asia": ["alice", "bob"], "": ["carol"]}
unknown_accounts:
  description: Names that DTR has no account for.
  returned: failure, when there are any
  type: list
  elements: str
"""

from ansible_collections.dtr.caches.plugins.module_utils.account_selection import (
    SELECTION_EXCLUSIVE,
    SELECTION_OPTIONS,
    SELECTION_REQUIRED,
    SELECTION_REQUIRED_BY,
    selected_accounts,
    settings_of,
)
from ansible_collections.dtr.caches.plugins.module_utils.account_settings import AccountSettings
from ansible_collections.dtr.caches.plugins.module_utils.content_caches import ContentCaches
from ansible_collections.dtr.caches.plugins.module_utils.dtr_client import DtrClient
from ansible_collections.dtr.caches.plugins.module_utils.dtr_module import dtr_module, run


def row(account, uuid, by_id):
    """One account for the result."""
    cache = by_id.get(uuid)
    return {
        "account": account,
        "content_cache": cache.name if cache else "",
        "content_cache_id": uuid,
        "host": cache.host if cache else "",
        "deregistered": bool(uuid) and cache is None,
    }


def read(module, connection):
    """The result of the task."""
    client = DtrClient(connection)
    by_id = {one.id: one for one in ContentCaches(client).all()}
    usage = settings_of(AccountSettings(client), selected_accounts(client, module.params))
    rows = [row(account, uuid, by_id) for account, uuid in usage.items()]
    grouped = {}
    for one in rows:
        grouped.setdefault(one["content_cache"], []).append(one["account"])
    return {"changed": False, "accounts": rows, "accounts_by_content_cache": grouped}


def main():
    """Read the task's options and run."""
    module = dtr_module(
        SELECTION_OPTIONS,
        mutually_exclusive=SELECTION_EXCLUSIVE,
        required_one_of=SELECTION_REQUIRED,
        required_by=SELECTION_REQUIRED_BY,
    )
    run(module, lambda connection: read(module, connection))


if __name__ == "__main__":
    main()
