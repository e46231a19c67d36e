"""Who may read: the door that every blob request goes through, hit or miss.

There are two, `GrantDoor`, here: DTR's signed grant in the query decides. The other is upstream_door.py.
Rule for editors: a door says yes or why not; it never serves a byte.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from ..admission import Admission, Grant
from ..delivery.means import Passage
from ..values.blob_address import BlobAddress
from ..values.failures import GrantRefused
from .request_head import Request


@dataclass(frozen=True, slots=True)
class Admitted:
    """`stale`: the upstream could not be asked, this is what it last said."""

    account: str
    passage: Passage
    stale: bool = False


class Door(Protocol):
    async def admit(self, request: Request, address: BlobAddress) -> Admitted:
        """Raise GrantRefused, UpstreamDenied, CredentialsWanted, BlobUnknown, CircleRefused or UpstreamUnavailable."""

    def account_at_once(self, request: Request, address: BlobAddress) -> str | None:
        """Whose request it is, where it may read without anybody being asked; None: `admit` has to decide."""


class GrantDoor:
    """`refresh_keys` asks the upstream for its keys anew, at most every few seconds; True: there may be new ones.
    `name` is how this cache names itself to those that it asks."""

    def __init__(self, admission: Admission, refresh_keys: Callable[[], Awaitable[bool]], name: str) -> None:
        self._admission = admission
        self._refresh_keys = refresh_keys
        self._name = name

    async def admit(self, request: Request, address: BlobAddress) -> Admitted:
        grant = await self._grant(address, request.query)
        target = f"{address.path}?grant={grant_of(request.query)}"
        return Admitted(grant.account, Passage.along(target, grant.expires_s, request.headers.get("via"), self._name))

    def account_at_once(self, request: Request, address: BlobAddress) -> str | None:
        try:
            return self._admission.admit(address, request.query).account
        except GrantRefused:
            return None

    async def _grant(self, address: BlobAddress, query: str) -> Grant:
        try:
            return self._admission.admit(address, query)
        except GrantRefused as refused:
            if refused.reason not in ("unknown-key", "no-keys") or not await self._refresh_keys():
                raise
        return self._admission.admit(address, query)


def grant_of(query: str) -> str:
    """The token in a query that admission has admitted: there is exactly one, unencoded."""
    return next(part[6:] for part in query.split("&") if part.startswith("grant="))
