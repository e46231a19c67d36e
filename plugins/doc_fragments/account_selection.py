# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""The options that say which accounts a task is about.

Owns their documentation; their parsing is module_utils/account_selection.py. Rule: both change in the same commit.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  account:
    description:
      - One account.
      - Exactly one of O(account), O(accounts) and O(filter) is required.
    type: str
  accounts:
    description: A list of accounts. An empty list is no account.
    type: list
    elements: str
  filter:
    description: All user accounts, those of system admins, or those of everybody else, as DTR lists them.
    type: str
    choices: [users, admins, non-admins]
  prefix:
    description: With O(filter), only accounts whose name starts with this.
    type: str
"""
