#!/usr/bin/python
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
# That licence is compatible with the GNU General Public License v3.0, which Ansible itself is under.

"""Task door of the content cache that accounts use."""

from __future__ import annotations

DOCUMENTATION = r"""
module: account_settings
short_description: Choose the content cache that DTR accounts pull from
version_added: 0.1.0
description:
  - Sets the content cache in the settings of one account, of a list of accounts, or of all accounts of a filter.
  - Needs one call to read each account, and one to change each account that is not as wanted.
  - An unknown account or cache ends the task before anything is changed, and all unknown names are reported together.
author:
  - The dtr.caches maintainers (!UNKNOWN)
extends_documentation_fragment:
  - dtr.caches.connection
  - dtr.caches.account_selection
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
  content_cache:
    description: Name of the content cache to use. Empty for none, so that the accounts pull from DTR itself.
    type: str
    required: true
  only_using:
    description:
      - Only accounts that use the content cache of this name now are changed, for moving an office to another cache
        and back.
      - Empty for the accounts that use none.
    type: str
seealso:
  - module: dtr.caches.account_settings_info
  - module: dtr.caches.content_cache
"""

EXAMPLES = r"""
- name: Let two people use the cache in Singapore
  dtr.caches.account_settings:
    dtr_url: https://dtr.example.com
    dtr_username: admin
    dtr_password: "{{ dtr_admin_password }}"
    accounts: [alice, bob]
    content_cache: region-asia
  delegate_to: localhost

- name: Move everybody from the cache in Shanghai to the one in Singapore
  dtr.caches.account_settings:
    dtr_url: https://dtr.example.com
    dtr_username: admin
    dtr_password: "{{ dtr_admin_password }}"
    filter: users
    only_using: region-china
    content_cache: region-asia
  delegate_to: localhost

- name: Let my own account pull from DTR itself
  dtr.caches.account_settings:
    dtr_url: https://dtr.example.com
    dtr_username: alice
    dtr_token: "{{ my_token }}"
    account: alice
    content_cache: ""
  delegate_to: localhost
"""

RETURN = r"""
accounts:
  description: Every account of the selection and its content cache, now and before.
  returned: success
  type: list
  elements: dict
  contains:
    account:
      description: Name of the account.
      type: str
      sample: alice
    content_cache:
      description: Name of the cache that it uses now, or would use. Empty for none.
      type: str
      sample: region-asia
    previous_content_cache:
      description:
        - Name of the cache that it used before. Empty for none.
        - V((deregistered cache UUID\)), with the UUID in the settings, if DTR does not know that cache any more.
      type: str
      sample: ""
    changed:
      description: Whether the two differ.
      type: bool
      sample: true
changed_accounts:
  description: Names of the accounts that were changed, or would be.
  returned: success
  type: list
  elements: str
  sample: [alice]
unknown_accounts:
  description: Names that DTR has no account for.
  returned: failure, when there are any
  type: list
  elements: str
done:
  description: The accounts that were changed before the trouble. Another run finishes.
  returned: failure, when changing the accounts broke off
  type: list
  elements: str
msg:
  description: How many accounts were changed, or why the task failed.
  returned: always
  type: str
  sample: 1 of 2 accounts changed to region-asia.
"""

from ansible_collections.dtr.caches.plugins.module_utils.account_selection import (
    SELECTION_EXCLUSIVE,
    SELECTION_OPTIONS,
    SELECTION_REQUIRED,
    SELECTION_REQUIRED_BY,
    cache_label,
    cache_named,
    selected_accounts,
    settings_of,
)
from ansible_collections.dtr.caches.plugins.module_utils.account_settings import NONE, AccountSettings
from ansible_collections.dtr.caches.plugins.module_utils.content_caches import ContentCaches
from ansible_collections.dtr.caches.plugins.module_utils.dtr_client import DtrClient
from ansible_collections.dtr.caches.plugins.module_utils.dtr_module import dtr_module, run
from ansible_collections.dtr.caches.plugins.module_utils.errors import UnknownName
from ansible_collections.dtr.caches.plugins.module_utils.reconcile import Change


def resolved(names, known):
    """({name: UUID or NONE}, the sentences about names that DTR does not know)."""
    ids, problems = {}, []
    for name in names:
        try:
            cache = cache_named(name, known)
        except UnknownName as missing:
            problems.append(missing.message)
        else:
            ids[name] = cache.id if cache else NONE
    return ids, problems


def ensure(module, connection):
    """Point the accounts at the cache; the result of the task."""
    params, client = module.params, DtrClient(connection)
    wanted, only_using = params["content_cache"], params["only_using"]
    known = ContentCaches(client).all()
    ids, problems = resolved([one for one in dict.fromkeys((wanted, only_using)) if one is not None], known)
    settings = AccountSettings(client)
    usage = settings_of(settings, selected_accounts(client, params), problems)
    if only_using is not None:
        usage = {account: uuid for account, uuid in usage.items() if uuid == ids[only_using]}
    to_change = [account for account, uuid in usage.items() if uuid != ids[wanted]]
    if to_change and not module.check_mode:
        settings.point(to_change, ids[wanted])
    return result(wanted, usage, to_change, {one.id: one for one in known})


def result(wanted, usage, to_change, by_id):
    """What the task says: ``usage`` as found, ``to_change`` the accounts that now use ``wanted``."""
    before = {account: cache_label(uuid, by_id) for account, uuid in usage.items()}
    change = Change({one: before[one] for one in to_change}, dict.fromkeys(to_change, wanted))
    rows = [
        {
            "account": account,
            "content_cache": wanted if account in change.after else label,
            "previous_content_cache": label,
            "changed": account in change.after,
        }
        for account, label in before.items()
    ]
    target = wanted or "no content cache"
    return {
        "changed": bool(to_change),
        "diff": change.diff("content cache of accounts"),
        "accounts": rows,
        "changed_accounts": to_change,
        "msg": f"{len(to_change)} of {len(rows)} accounts changed to {target}.",
    }


def main():
    """Read the task's options and run."""
    module = dtr_module(
        dict(SELECTION_OPTIONS, content_cache={"type": "str", "required": True}, only_using={"type": "str"}),
        mutually_exclusive=SELECTION_EXCLUSIVE,
        required_one_of=SELECTION_REQUIRED,
        required_by=SELECTION_REQUIRED_BY,
    )
    run(module, lambda connection: ensure(module, connection))


if __name__ == "__main__":
    main()
