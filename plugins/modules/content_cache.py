#!/usr/bin/python
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
# That licence is compatible with the GNU General Public License v3.0, which Ansible itself is under.

"""Task door of a content cache's registration. The decision is module_utils/content_cache_plan.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: content_cache
short_description: Register a content cache with DTR
version_added: 0.1.0
description:
  - Makes sure that a content cache is registered with Docker Trusted Registry under a name and a host, or that it is
    not.
  - The API of DTR has no update. When the host of a name changes, the module registers the new one, points the accounts
    of the old one at it, and removes the old one. A run that broke off in between is finished by the next run.
  - DTR itself takes several caches of one name. The module refuses to guess among them and lists them.
  - When DTR refuses a second cache of the same name, a cache named C(NAME-being-replaced) holds the accounts meanwhile.
    A leftover of that name is removed by the next run.
author:
  - The dtr.caches maintainers (!UNKNOWN)
extends_documentation_fragment:
  - dtr.caches.connection
  - dtr.caches.attributes
  - dtr.caches.attributes.action_group
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: The name that users see in their settings.
    type: str
    required: true
  host:
    description:
      - The address that clients are redirected to, as C(http(s)://host) or C(http(s)://host:port).
      - Required with O(state=present). With O(state=absent) only a cache with this host is removed, which is the way
        out of duplicated names.
    type: str
  state:
    description: Whether DTR knows the cache.
    type: str
    choices: [present, absent]
    default: present
  accounts_of_removed:
    description:
      - What happens to accounts whose settings name a cache that this task removes.
      - When the host of a name changes, they are always pointed at the new cache, except with V(ignore).
      - With O(state=absent), V(fail) refuses to remove a cache that is in use and names its accounts. V(clear) first
        lets them use no cache, so that they pull from DTR itself.
      - V(ignore) does not look at the accounts. Their settings then name a cache that is gone, and DTR serves them
        itself.
      - Looking needs one call for each user account of DTR, and an account that may read all settings.
    type: str
    choices: [fail, clear, ignore]
    default: fail
seealso:
  - module: dtr.caches.content_cache_info
  - module: dtr.caches.account_settings
"""

EXAMPLES = r"""
- name: Let DTR know the cache of the office in Singapore
  dtr.caches.content_cache:
    dtr_url: https://dtr.example.com
    dtr_username: admin
    dtr_password: "{{ dtr_admin_password }}"
    ca_path: /etc/dtr/ca.pem
    name: region-asia
    host: https://cache-asia.example.com:5000
  delegate_to: localhost

- name: Retire it, and let its accounts pull from DTR again
  dtr.caches.content_cache:
    dtr_url: https://dtr.example.com
    dtr_username: admin
    dtr_token: "{{ dtr_admin_token }}"
    name: region-asia
    state: absent
    accounts_of_removed: clear
  delegate_to: localhost
"""

RETURN = r"""
content_cache:
  description: The registered cache. In check mode a cache that would be created has an empty RV(content_cache.id).
  returned: when O(state=present)
  type: dict
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
removed:
  description: The caches that were removed, or would be.
  returned: success
  type: list
  elements: dict
  sample: []
moved_accounts:
  description: The accounts whose settings were changed, or would be, because their cache was removed.
  returned: success
  type: list
  elements: str
  sample: [alice, bob]
content_caches:
  description: The caches that share the name.
  returned: failure, when the name is duplicated
  type: list
  elements: dict
accounts:
  description: The accounts that still use the cache.
  returned: failure, when a cache in use was to be removed with O(accounts_of_removed=fail)
  type: list
  elements: str
done:
  description: The accounts that were moved before the trouble. Another run finishes.
  returned: failure, when moving the accounts broke off
  type: list
  elements: str
"""

from ansible_collections.dtr.caches.plugins.module_utils.account_settings import AccountSettings
from ansible_collections.dtr.caches.plugins.module_utils.accounts import account_names
from ansible_collections.dtr.caches.plugins.module_utils.content_cache_plan import (
    CLEAR,
    FAIL,
    IGNORE,
    carry_out,
    change_of,
    decide,
    refuse_if_in_use,
    users_of,
)
from ansible_collections.dtr.caches.plugins.module_utils.content_caches import ContentCaches
from ansible_collections.dtr.caches.plugins.module_utils.dtr_client import DtrClient
from ansible_collections.dtr.caches.plugins.module_utils.dtr_module import dtr_module, run
from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin


def checked_names(params):
    """(name, host without a trailing slash or empty). Raises WrongOption."""
    name, host = params["name"], (params["host"] or "").strip()
    if not name.strip() or name != name.strip():
        raise WrongOption(f"name is '{name}'; wanted: a name without spaces around it.")
    if host or params["state"] == "present":
        parse_origin(host, "host")
    return name, host[:-1] if host.endswith("/") else host


def ensure(module, connection):
    """Register or deregister the cache; the result of the task."""
    params = module.params
    name, host = checked_names(params)
    client = DtrClient(connection)
    caches, settings = ContentCaches(client), AccountSettings(client)
    plan = decide(name, host, params["state"] == "present", caches.all())
    users = {}
    if plan.remove and params["accounts_of_removed"] != IGNORE:
        users = users_of(plan.remove, settings.of(account_names(client))[0])
    refuse_if_in_use(plan, users, params["accounts_of_removed"])
    change = change_of(plan, users)
    kept = plan.keep
    if plan.changes and not module.check_mode:
        kept = carry_out(plan, users, caches, settings)
    result = {"changed": plan.changes, "diff": change.diff(name), "moved_accounts": list(users)}
    result["removed"] = [one.shown() for one in plan.remove]
    if params["state"] == "present":
        result["content_cache"] = kept.shown() if kept else {"id": "", "name": name, "host": host}
    return result


def main():
    """Read the task's options and run."""
    module = dtr_module(
        {
            "name": {"type": "str", "required": True},
            "host": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "accounts_of_removed": {"type": "str", "choices": [FAIL, CLEAR, IGNORE], "default": FAIL},
        },
        required_if=[("state", "present", ["host"])],
    )
    run(module, lambda connection: ensure(module, connection))


if __name__ == "__main__":
    main()
