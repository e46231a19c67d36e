"""`/api/v0/content_caches`: the caches that DTR knows.

Owns: list, create, show, remove. Does not own: who uses which cache (account_settings.py).
Rule: there is no update, as in DTR; the only call that changes a cache is its removal.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ..failures import api_failure
from ..registrations import ContentCache
from .api import ApiCall


def as_answer(cache: ContentCache) -> dict[str, str]:
    return {"id": cache.id, "name": cache.name, "host": cache.host}


def host_mistake(host: Any) -> str | None:
    """Why this is no URL of a cache, None if it is one."""
    wanted = "wanted http[s]://host[:port]"
    if not isinstance(host, str) or not host:
        return f"host: {wanted}"
    try:
        parts = urlsplit(host)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return f"host: {wanted}"
    if not usable or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        return f"host: {wanted}"
    return None


class ContentCaches(ApiCall):
    def prepare(self) -> None:
        form, slash = self.dtr.quirks["trailing-slash"], self.request.path.endswith("/")
        if (form == "only-slash" and not slash) or (form == "no-slash" and slash):
            raise api_failure("NOT_FOUND")
        super().prepare()

    def get(self) -> None:
        caches = list(self.dtr.registrations.caches)
        if self.dtr.quirks["list-order"] == "newest-first":
            caches.reverse()
        self.answer([as_answer(cache) for cache in caches])

    def post(self) -> None:
        self.require_admin()
        body = self.body()
        name, host = body.get("name"), body.get("host")
        mistake = host_mistake(host)
        if not isinstance(name, str) or not name.strip():
            mistake = "name: wanted a text"
        elif self.dtr.quirks["duplicate-names"] == "refuse" and any(
                one.name == name for one in self.dtr.registrations.caches):
            mistake = "name: taken"
        if mistake:
            raise api_failure("INVALID_CONTENT_CACHE", mistake)
        self.answer(as_answer(self.dtr.registrations.add_cache(str(name), self._stored_form(str(host)))), 201)

    def _stored_form(self, host: str) -> str:
        if self.dtr.quirks["host-form"] == "as-given":
            return host
        parts = urlsplit(host)
        return f"{parts.scheme}://{parts.netloc.lower()}"


class OneContentCache(ApiCall):
    def get(self, cache_id: str) -> None:
        cache = self.dtr.registrations.cache(cache_id)
        if cache is None:
            raise api_failure("NO_SUCH_CONTENT_CACHE")
        self.answer(as_answer(cache))

    def delete(self, cache_id: str) -> None:
        self.require_admin()
        cache = self.dtr.registrations.cache(cache_id)
        if cache is not None:
            self.dtr.registrations.remove_cache(cache, self.dtr.quirks["deleted-cache"] == "cleared")
        elif self.dtr.quirks["delete-missing"] == "404":
            raise api_failure("NO_SUCH_CONTENT_CACHE")
        self.set_status(204)
        self.finish()
