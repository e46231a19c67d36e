"""Mode `upstream`: the upstream decides every request by the client's own credentials, which go to it and nowhere else.

Owns how the upstream is asked (by HEAD, or otherwise where it does not answer that), how long its yes counts, and what
counts while it cannot be asked. Rule for editors: a 401 that may be genuine is asked about once more and no oftener,
and is never a yes; nothing is decided here that the upstream did not say to these very credentials.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from ..admission.last_answers import LastAnswer, Question
from ..admission.verdicts import RememberedVerdicts
from ..delivery.attempts import judge_status
from ..delivery.limits import ROUNDS_LIMIT
from ..delivery.means import Means, Passage
from ..settings.model import Upstream
from ..upstream.ask import Ask
from ..upstream.challenge import may_pass_on
from ..upstream.heads import Heads
from ..upstream.response_head import HopFailed, ResponseHead
from ..values.blob_address import BlobAddress
from ..values.clock import Clock
from ..values.failures import BlobUnknown, CredentialsWanted, UpstreamDenied, UpstreamUnavailable
from .doors import Admitted
from .offline import Offline
from .request_head import Request

_PASSAGE_GOOD_S = 60.0
_REDIRECTED = (301, 302, 303, 307, 308)
_DIGEST_FIELD = "docker-content-digest"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the upstream: what is asked, for whom, and what kind of thing it is (`blobs`, `manifests`)."""

    passage: Passage
    question: Question
    kind: str


class UpstreamDoor:
    """`registry` names it and the upstreams that decide now: what others have said counts no more than if they had said
    nothing. `offline`: None where an upstream that cannot be asked means 503."""

    def __init__(
        self,
        means: Means,
        registry: Callable[[], str],
        verdicts: RememberedVerdicts,
        realm_hosts: tuple[str, ...],
        clock: Clock,
        offline: Offline | None = None,
    ) -> None:
        self._means = means
        self._registry = registry
        self._verdicts = verdicts
        self._realm_hosts = realm_hosts
        self._clock = clock
        self._offline = offline
        self._heads = Heads(clock)

    @property
    def remembers(self) -> bool:
        """Does what the upstream last said count while it cannot be asked?"""
        return self._offline is not None

    @property
    def is_away(self) -> bool:
        """So that asking it is no use before it has rested, and what it last said counts."""
        return self.remembers and self._means.attempts.turns.all_down()

    async def admit(self, request: Request, address: BlobAddress) -> Admitted:
        asked = self.asked(request, address.repository, "blobs", str(address.digest), ("authorization",))
        credentials = self._credentials(request)
        if self._verdicts.remembers(credentials, address):
            return Admitted("", asked.passage)
        said = await self.decide(asked)
        if isinstance(said, LastAnswer):
            return Admitted("", asked.passage, stale=True)
        if self._still_decides(asked.question):
            self._verdicts.remember(credentials, address)
        return Admitted("", asked.passage)

    def account_at_once(self, request: Request, address: BlobAddress) -> str | None:
        return "" if self._verdicts.remembers(self._credentials(request), address) else None

    def asked(self, request: Request, repository: str, kind: str, what: str, along: tuple[str, ...]) -> Asked:
        """`along`: the request's headers that the upstream hears, too."""
        headers = tuple((name.title(), request.headers[name]) for name in along if name in request.headers)
        target = request.path + (f"?{request.query}" if request.query else "")
        expires_s = self._clock.wall() + _PASSAGE_GOOD_S
        passage = Passage.along(target, expires_s, request.headers.get("via"), self._means.name, headers)
        authorization = request.headers.get("authorization", "")
        question = Question(self._registry(), authorization, request.query, repository, f"{kind}/{what}")
        return Asked(passage, question, kind)

    # -- what the upstream says, or last said --------------------------------------------------------------------------

    async def decide(self, asked: Asked) -> ResponseHead | LastAnswer:
        """Raise CredentialsWanted, UpstreamDenied, BlobUnknown, CircleRefused or UpstreamUnavailable."""
        if self._offline is None:
            return await self.ask(asked)
        if not self.is_away:
            try:
                return await self._noted(asked, rounds=1)
            except UpstreamUnavailable:
                pass
        last = await self.recall(asked.question)
        return last or await self._noted(asked, rounds=ROUNDS_LIMIT)

    async def recall(self, question: Question) -> LastAnswer | None:
        """Raise CredentialsWanted where that is what the upstream last said to those who come without any."""
        if self._offline is None or not self._still_decides(question):
            return None
        last = await self._offline.recall(question)
        if last is None or not last.challenge:
            return last
        if not any(may_pass_on(last.challenge, hop, self._realm_hosts) for hop in self._means.attempts.turns.all()):
            return None  # realmhosts may have been changed since
        raise CredentialsWanted(last.challenge)

    async def _noted(self, asked: Asked, rounds: int) -> ResponseHead:
        question = asked.question
        try:
            head = await self.ask(asked, rounds)
        except (CredentialsWanted, UpstreamDenied, BlobUnknown) as refusal:
            await self.refused(question, refusal)
            raise
        digest = head.get(_DIGEST_FIELD) or "" if asked.kind == "manifests" else ""
        if digest or asked.kind == "blobs":
            self.allowed(question, digest, head.get("content-type") or "")
        return head

    def allowed(self, question: Question, digest: str = "", content_type: str = "") -> None:
        if self._offline is not None and self._still_decides(question):
            self._offline.note(question, digest, content_type)

    async def refused(self, question: Question, refusal: Exception) -> None:
        """Take back what the upstream has said to these credentials before: of the one thing where that is not there
        (404), of the whole repository otherwise."""
        if self._offline is None:
            return
        await self._offline.take_back(question, all_of_repository=not isinstance(refusal, BlobUnknown))
        if isinstance(refusal, CredentialsWanted) and question.anonymous and self._still_decides(question):
            self._offline.note(question.for_its_challenge, challenge=refusal.challenge)

    def _still_decides(self, question: Question) -> bool:
        """A reload may have come between question and answer: whose answer it is nobody can tell then."""
        return question.registry == self._registry()

    def _credentials(self, request: Request) -> str:
        """All that the upstream's verdict may depend on, beside the address, and whose verdict it is."""
        return f"{self._registry()}\n{request.headers.get('authorization', '')}\n{request.query}"

    # -- asking --------------------------------------------------------------------------------------------------------

    async def ask(self, asked: Asked, rounds: int = ROUNDS_LIMIT) -> ResponseHead:
        """The upstream's answer to a HEAD, where it is a yes; without HEAD, that to a GET whose body is not read."""
        self._means.refuse_circle(asked.passage)
        heads = list[ResponseHead]()

        def once(hop: Upstream) -> None:
            head = self._judged(hop, asked)
            if head.status == 401:
                self.want_credentials(hop, head)
            if head.status not in _REDIRECTED or asked.kind != "blobs":  # a redirect to its storage is a yes
                judge_status(head)
            heads.append(head)

        loop = asyncio.get_running_loop()
        attempt = lambda hop: loop.run_in_executor(self._means.questions, once, hop)  # noqa: E731
        await self._means.attempts.until_answered(attempt, rounds=rounds)
        return heads[-1]

    def _judged(self, hop: Upstream, asked: Asked) -> ResponseHead:
        target, headers, elsewhere = asked.passage.target, asked.passage.headers, asked.kind != "blobs"
        if not self._heads.are_in_vain(hop, asked.kind):
            head = self._head(hop, Ask("HEAD", target, headers=headers, for_blob=elsewhere))
            if not self._heads.worth_a_get(hop, asked.kind, head.status):
                return head
        end = 1 if asked.kind == "blobs" else None
        head = self._head(hop, Ask("GET", target, 0, end, headers, for_blob=elsewhere))
        self._heads.got(hop, asked.kind, head.status)
        return head

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
