"""`/enzi/v0/accounts`: the accounts and organisations, page by page.

Owns: filter, start, limit. Rule: sorted by name, so that the last name of a page leads to the next one.
"""

from __future__ import annotations

import uuid
from typing import Any

from ..failures import api_failure
from .api import ApiCall

FILTERS = ("all", "users", "orgs", "admins", "non-admins")
_DEFAULT_LIMIT, _CAP = 10, 10


class AccountList(ApiCall):
    def get(self) -> None:
        kind = self.get_query_argument("filter", "all")
        if kind not in FILTERS:
            raise api_failure("INVALID_PARAMETERS", f"filter: wanted one of {', '.join(FILTERS)}")
        page = self._after_start([one for one in self._everybody() if _passes(kind, one)])
        self.answer({"accounts": page[:self._limit()]})

    def _everybody(self) -> list[dict[str, Any]]:
        known = self.dtr.accounts
        found = [_entry(one.name, False, one.admin, one.active) for one in known.accounts.values()]
        found += [_entry(name, True, False, True) for name in known.organizations()]
        return sorted(found, key=lambda one: str(one["name"]))

    def _after_start(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        start = self.get_query_argument("start", "")
        if self.dtr.quirks["accounts-start"] == "inclusive":
            return [one for one in entries if one["name"] >= start]
        return [one for one in entries if one["name"] > start]

    def _limit(self) -> int:
        text = self.get_query_argument("limit", str(_DEFAULT_LIMIT))
        if not text.isascii() or not text.isdigit() or int(text[:9]) == 0:
            raise api_failure("INVALID_PARAMETERS", "limit: wanted a positive number")
        asked = int(text[:9])
        return min(asked, _CAP) if self.dtr.quirks["accounts-page"] == "at-most-10" else asked


def _entry(name: str, org: bool, admin: bool, active: bool) -> dict[str, Any]:
    # An id that stays the same over restarts, without being kept anywhere.
    return {"name": name, "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.accounts.dtr")), "fullName": "",
            "isOrg": org, "isAdmin": admin, "isActive": active}


def _passes(kind: str, entry: dict[str, Any]) -> bool:
    return {"all": True, "users": not entry["isOrg"], "orgs": entry["isOrg"],
            "admins": not entry["isOrg"] and entry["isAdmin"],
            "non-admins": not entry["isOrg"] and not entry["isAdmin"]}[kind]
