# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""The content caches that DTR knows: read, create, delete.

Owns the shape of a content cache on the wire and the look-before-repeat of a creation.
Does not own what shall be registered: that is content_cache_plan.py.
Rule: DTR takes any number of caches of one name, so nothing here may assume that a name is unique.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.dtr.caches.plugins.module_utils.errors import (
    DtrError,
    Interrupted,
    NotFound,
    Refusal,
    Unexpected,
)
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import same_origin

PATH = ("api", "v0", "content_caches")
LIST = "list the content caches"


@dataclass(frozen=True)
class ContentCache:
    """``id`` is DTR's UUID, ``host`` the URL that clients are redirected to, as DTR holds it."""

    id: str
    name: str
    host: str

    def shown(self):
        """For a result."""
        return {"id": self.id, "name": self.name, "host": self.host}


def parse_content_cache(value):
    """One content cache of an answer. Raises Unexpected if a field is missing or no text."""
    fields = [value.get(key) for key in ("id", "name", "host")] if isinstance(value, dict) else [None]
    if not all(isinstance(one, str) for one in fields) or not fields[0]:
        raise Unexpected(
            "DTR answered with a content cache that lacks id, name or host; check that dtr_url is DTR itself."
        )
    return ContentCache(*fields)


def listed(caches):
    """For a message: every cache with what tells it apart."""
    return "; ".join(f"id {one.id} with host {one.host}" for one in caches)


def _may_have_worked(failure):
    return isinstance(failure, Interrupted) or (isinstance(failure, Refusal) and failure.status >= 500)


class ContentCaches:
    """The content caches of one DTR, reached by a DtrClient."""

    def __init__(self, client):
        self._client = client
        self._collection = None

    def all(self):
        """Every registered cache, ordered by name and id."""
        value = self._client.json(LIST, self._list())
        if value is None:  # an empty Go slice becomes null
            return []
        if not isinstance(value, list):
            raise Unexpected(
                f"DTR at {self._client.connection.url} answered no list of content caches; check that dtr_url is DTR"
                " itself."
            )
        return sorted((parse_content_cache(one) for one in value), key=lambda one: (one.name, one.id))

    def create(self, name, host, known):
        """Register a cache, once. ``known`` are the ids that were registered when this was decided.

        A broken answer leaves open whether DTR took the request, so the list is read again before anything is repeated.
        Another controller may have done the same at the same time: of identical twins the one with the lowest id stays,
        and both sides agree on which that is.
        """
        try:
            self._post(name, host)
        except DtrError as failure:
            if not _may_have_worked(failure):
                raise
            if not self._new_twins(name, host, known):
                if not failure.may_pass:
                    raise
                self._post(name, host)
        twins = self._new_twins(name, host, known)
        if not twins:
            raise Unexpected(
                f"DTR at {self._client.connection.url} took the content cache {name} but does not list it; look at its"
                " API page."
            )
        for surplus in twins[1:]:
            self.delete(surplus)
        return twins[0]

    def delete(self, cache):
        """Deregister a cache. One that is gone already is fine: DTR says 204 or 404 then."""
        purpose = f"delete the content cache {cache.name}"
        try:
            self._client.call(purpose, "DELETE", *PATH, cache.id, wanted=(200, 202, 204))
        except NotFound:
            if any(one.id == cache.id for one in self.all()):
                raise

    def _list(self):
        if self._collection:
            return self._client.call(LIST, "GET", *self._collection)
        try:
            answer = self._client.call(LIST, "GET", *PATH)
            self._collection = PATH
        except Refusal as refused:
            if refused.status != 404 and not 300 <= refused.status < 400:
                raise
            try:  # DTR 2.4 describes the collection with a slash at its end
                answer = self._client.call(LIST, "GET", *PATH, "")
            except NotFound:
                raise refused from None
            self._collection = (*PATH, "")
        return answer

    def _post(self, name, host):
        purpose = f"create the content cache {name}"
        self._client.call(
            purpose, "POST", *(self._collection or PATH), wanted=(200, 201), body={"name": name, "host": host}
        )

    def _new_twins(self, name, host, known):
        return [one for one in self.all() if one.id not in known and one.name == name and same_origin(one.host, host)]
