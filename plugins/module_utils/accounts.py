# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""Which accounts DTR has: the user accounts of a filter, page by page.

Owns the paging. Does not own their settings.
Rule: only a page without a new name, or DTR's own word, ends the list; a short page may be DTR's limit, not the end.
"""

from __future__ import annotations

from ansible_collections.dtr.caches.plugins.module_utils.errors import NotFound, Unexpected

PAGE = 100
NEXT_PAGE = "X-Next-Page-Start"


def account_names(client, kind="users", prefix=""):
    """Sorted names of the accounts of ``kind`` (users, admins, non-admins) that start with ``prefix``."""
    names, start = set(), ""
    while True:
        page, following = _page(client, kind, start)
        new = set(page) - names
        names |= new
        if not new or following == "":
            return sorted(name for name in names if name.startswith(prefix))
        start = following or max(page)


def _page(client, kind, start):
    """(user names of one page, where DTR says the next one starts: a name, '' for the end, None for no word)."""
    purpose = "list the accounts"
    query = {"filter": kind, "limit": PAGE}
    if start:
        query["start"] = start
    try:
        answer = client.call(purpose, "GET", "enzi", "v0", "accounts", query=query)
    except NotFound as missing:
        raise NotFound(
            f"DTR at {client.connection.url} has no account list (/enzi/v0/accounts, {missing.status}); name the"
            " accounts one by one.",
            missing.status,
        ) from None
    value = client.json(purpose, answer)
    accounts = value.get("accounts") if isinstance(value, dict) else None
    if accounts is None and isinstance(value, dict) and "accounts" in value:
        accounts = []
    if not isinstance(accounts, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in accounts
    ):
        raise Unexpected(
            f"DTR at {client.connection.url} answered no list of accounts; check that dtr_url is DTR itself."
        )
    return [one["name"] for one in accounts], answer.headers.get(NEXT_PAGE)
