"""Who may read: the two doors of contract §2, one of which every blob request goes through, hit or miss.

`GrantDoor`: DTR's signed grant in the query decides, here. `UpstreamDoor`: the upstream decides every request by the
client's own credentials, which go to it and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn, Protocol

from ..admission import Admission, Grant
from ..admission.verdicts import Verdicts
from ..delivery.attempts import judge_status
from ..delivery.means import Means, Passage
from ..settings.model import Upstream
from ..upstream.challenge import may_pass_on
from ..upstream.exchange import Ask
from ..upstream.response_head import HopFailed, ResponseHead
from ..values.blob_address import BlobAddress
from ..values.clock import Clock
from ..values.failures import CredentialsWanted, GrantRefused
from .request_head import Request

_PASSAGE_GOOD_S = 60.0
_HEAD_NOT_SUPPORTED = (400, 405, 501)
_REDIRECTED = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Admitted:
    account: str
    passage: Passage


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


class UpstreamDoor:
    def __init__(self, means: Means, verdicts: Verdicts, realm_hosts: tuple[str, ...], clock: Clock) -> None:
        self._means = means
        self._verdicts = verdicts
        self._realm_hosts = realm_hosts
        self._clock = clock

    async def admit(self, request: Request, address: BlobAddress) -> Admitted:
        authorization = request.headers.get("authorization", "")
        target = address.path + (f"?{request.query}" if request.query else "")
        headers = (("Authorization", authorization),) if authorization else ()
        passage = self.passage(request, target, headers)
        credentials = _credentials(request)
        if not self._verdicts.remembers(credentials, address):
            await self.ask(passage)
            self._verdicts.remember(credentials, address)
        return Admitted("", passage)

    def account_at_once(self, request: Request, address: BlobAddress) -> str | None:
        return "" if self._verdicts.remembers(_credentials(request), address) else None

    def passage(self, request: Request, target: str, headers: tuple[tuple[str, str], ...]) -> Passage:
        expires_s = self._clock.wall() + _PASSAGE_GOOD_S
        return Passage.along(target, expires_s, request.headers.get("via"), self._means.name, headers)

    async def ask(self, passage: Passage) -> ResponseHead:
        """The upstream's answer to a HEAD, where it is a yes; an upstream without HEAD is asked for one byte."""
        self._means.refuse_circle(passage)
        question, heads = Ask("HEAD", passage.target, headers=passage.headers), list[ResponseHead]()

        def once(hop: Upstream) -> None:
            head = self._head(hop, question)
            if head.status in _HEAD_NOT_SUPPORTED:
                head = self._head(hop, Ask("GET", question.target, 0, 1, question.headers))
            if head.status == 401:
                self.want_credentials(hop, head)
            if head.status not in _REDIRECTED:  # a redirect to its storage is a yes
                judge_status(head)
            heads.append(head)

        loop = asyncio.get_running_loop()
        await self._means.attempts.until_answered(lambda hop: loop.run_in_executor(self._means.threads, once, hop))
        return heads[-1]

    def _head(self, hop: Upstream, question: Ask) -> ResponseHead:
        exchange = self._means.exchanges.open(hop, question)
        exchange.close()
        return exchange.head

    def want_credentials(self, hop: Upstream, head: ResponseHead) -> NoReturn:
        """Raise CredentialsWanted for the 401 `head`, or HopFailed where its challenge must not reach a client."""
        challenge = head.get("www-authenticate") or ""
        if not may_pass_on(challenge, hop, self._realm_hosts):
            raise HopFailed("its challenge names a token service that is neither on it nor in realmhosts")
        raise CredentialsWanted(challenge)


def _credentials(request: Request) -> str:
    """All that the upstream's verdict may depend on, beside the address."""
    return f"{request.headers.get('authorization', '')}\n{request.query}"


def grant_of(query: str) -> str:
    """The token in a query that admission has admitted: there is exactly one, unencoded."""
    return next(part[6:] for part in query.split("&") if part.startswith("grant="))
