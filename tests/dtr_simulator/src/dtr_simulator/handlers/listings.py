"""The small requests of the registry: `/v2/`, tags, catalog.

Owns: lists in pages. Does not own: where the entries come from (content/). Rule: a list shows only what the account
may read, sorted, so that the last entry of a page leads to the next one.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ..failures import registry_failure
from .registry import RegistryRequest
from .relay import relay


class Version(RegistryRequest):
    def get(self) -> None:
        self.bearer()
        self.answer({})

    head = get


def page(entries: list[str], number: str, last: str) -> tuple[list[str], bool]:
    """At most `number` entries ("" is all) after `last`, and whether more follow. Raise on a bad number."""
    rest = [one for one in entries if one > last]
    if not number:
        return rest, False
    if not number.isascii() or not number.isdigit():
        raise registry_failure("PAGINATION_NUMBER_INVALID", {"n": number[:20]})
    limit = int(number[:9])
    return rest[:limit], len(rest) > limit


class Listing(RegistryRequest):
    """A sorted list, in pages as the registry protocol has them."""

    def send(self, frame: dict[str, Any], name: str, entries: list[str]) -> None:
        shown, more = page(sorted(entries), self.get_query_argument("n", ""), self.get_query_argument("last", ""))
        if more and shown:
            number = self.get_query_argument("n")
            target = f"{self.request.path}?last={quote(shown[-1], safe='')}&n={number}"
            self.set_header("Link", f'<{target}>; rel="next"')
        self.answer(frame | {name: shown})


class Tags(Listing):
    async def get(self, repository: str) -> None:
        self.authorize(repository, "pull")
        layout = self.dtr.layouts.get(repository)
        if layout:
            self.send({"name": repository}, "tags", list(layout.tags()))
        elif self.dtr.registry:
            await relay(self, f"/v2/{repository}/tags/list")
        else:
            raise registry_failure("NAME_UNKNOWN", {"name": repository})

    head = get


class Catalog(Listing):
    async def get(self) -> None:
        token = self.bearer("registry:catalog:*")
        if ("registry", "catalog") not in token.access:
            raise self.challenge("registry:catalog:*", "insufficient_scope")
        known = set(self.dtr.layouts) | set(await self.dtr.registry.repositories() if self.dtr.registry else ())
        readable = [name for name in known if self.dtr.accounts.rights(self.account, name)]
        self.send({}, "repositories", readable)

    head = get
