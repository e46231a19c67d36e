"""`/api/v0/accounts/{username}/settings`: which content cache an account uses.

Owns: the one field of these settings and its spelling. Does not own: the caches (content_caches.py).
Rule: answers spell it `ContentCacheUUID`, requests `contentCacheUUID`, as the specification does.
"""

from __future__ import annotations

from typing import Any

from ..failures import api_failure
from .api import ApiCall


class AccountSettings(ApiCall):
    def get(self, username: str) -> None:
        self.require_self_or_admin(username)
        self.answer(self._settings(username))

    def patch(self, username: str) -> None:
        self.require_self_or_admin(username)
        for name, value in self.body().items():
            cache_id = self._wanted(name, value)
            self.dtr.registrations.choose(username, cache_id)
        if self.dtr.quirks["patch-reply"] == "settings":
            self.answer(self._settings(username))
        else:
            self.finish()

    def _settings(self, username: str) -> dict[str, Any]:
        quirks = self.dtr.quirks
        key = "ContentCacheUUID" if quirks["settings-key"] == "capital" else "contentCacheUUID"
        chosen = self.dtr.registrations.chosen(username)
        if chosen:
            return {key: chosen}
        unset: dict[str, dict[str, Any]] = {"empty": {key: ""}, "null": {key: None}, "absent": {}}
        return unset[quirks["unset-value"]]

    def _wanted(self, name: str, value: Any) -> str:
        """The id to store. Raise INVALID_USER_SETTINGS for another field or a cache that does not exist."""
        known = name == "contentCacheUUID" or (
            self.dtr.quirks["patch-key"] == "any-case" and name.lower() == "contentcacheuuid")
        if not known:
            raise api_failure("INVALID_USER_SETTINGS", f"{name[:40]}: unknown field, wanted contentCacheUUID")
        if not isinstance(value, str):
            raise api_failure("INVALID_USER_SETTINGS", "contentCacheUUID: wanted a text")
        exists = not value or self.dtr.registrations.cache(value) is not None
        if not exists and self.dtr.quirks["unknown-uuid"] == "400":
            raise api_failure("INVALID_USER_SETTINGS", "contentCacheUUID: no such content cache")
        return value
