# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""Which accounts a task is about: one, a list, or a filter; and which of them, by the cache they use now.

Owns the options of that choice and the resolving of names to accounts and caches.
Rule: every unknown name is reported, all at once, before anything is written.
"""

from __future__ import annotations

from ansible_collections.dtr.caches.plugins.module_utils.accounts import account_names
from ansible_collections.dtr.caches.plugins.module_utils.content_caches import listed
from ansible_collections.dtr.caches.plugins.module_utils.errors import DuplicateNames, UnknownName, WrongOption

SELECTION_OPTIONS = {
    "account": {"type": "str"},
    "accounts": {"type": "list", "elements": "str"},
    "filter": {"type": "str", "choices": ["users", "admins", "non-admins"]},
    "prefix": {"type": "str"},
}
SELECTION_EXCLUSIVE = [["account", "accounts", "filter"]]
SELECTION_REQUIRED = [["account", "accounts", "filter"]]
SELECTION_REQUIRED_BY = {"prefix": ["filter"]}


def selected_accounts(client, params):
    """The account names that the options describe, without doubles. Raises WrongOption for an empty name."""
    if params["filter"]:
        return account_names(client, params["filter"], params["prefix"] or "")
    names = [params["account"]] if params["account"] is not None else params["accounts"]
    if any(not name.strip() for name in names):
        raise WrongOption("An account name is empty; wanted: names of DTR accounts.")
    return list(dict.fromkeys(names))


def cache_named(name, caches):
    """The cache of that name, or None for the empty name. Raises UnknownName or DuplicateNames."""
    if not name:
        return None
    named = [one for one in caches if one.name == name]
    if len(named) > 1:
        raise DuplicateNames(
            f"DTR has {len(named)} content caches named {name}: {listed(named)}; remove the wrong ones first,"
            " or run deploy-caches.yml, which finishes a change of address."
        )
    if not named:
        known = ", ".join(sorted({one.name for one in caches})) or "none"
        raise UnknownName(f"DTR has no content cache named {name}; it has: {known}.")
    return named[0]


def settings_of(settings, names, problems=()):
    """{account: UUID} of the names. Raises UnknownName with all ``problems`` and all unknown accounts together."""
    usage, unknown = settings.of(names)
    problems = list(problems)
    if unknown:
        problems.append(f"DTR has no account named {', '.join(unknown)}.")
    if problems:
        raise UnknownName(" ".join(problems) + " Nothing was changed.", unknown_accounts=unknown)
    return usage


def cache_label(uuid, by_id):
    """How to show a setting: the cache's name, '' for none, the UUID in words if DTR does not know it any more."""
    if not uuid:
        return ""
    return by_id[uuid].name if uuid in by_id else f"(deregistered cache {uuid})"
