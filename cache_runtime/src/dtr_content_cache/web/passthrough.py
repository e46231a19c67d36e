"""Mode `upstream`: below `/v2/`, all that is no blob is the upstream's answer to the client's own credentials.

Owns which question a path is, and `/v2/` itself, by which clients find out how to log in. Manifests are manifest.py's,
everything else is passed on as the upstream says it (upstream_answers.py).
"""

from __future__ import annotations

import re

from ..delivery.limits import ROUNDS_LIMIT
from ..values.failures import CredentialsWanted, Failure, UpstreamDenied, UpstreamUnavailable
from .answers import Answer, failure_answer, json_answer
from .connection import Connection
from .manifest import ManifestHandler
from .offline import REVALIDATION_FAILED
from .outside import Outside
from .request_head import Request
from .served import Served
from .upstream_answers import UpstreamAnswers
from .upstream_door import Asked, UpstreamDoor

_PATH = re.compile(r"/v2/(.{1,255})/(manifests|referrers|tags)/([^/]+)")
_BASE = "/v2/"
_ASKED_ALONG = ("accept", "authorization", "if-none-match")


class Passthrough:
    def __init__(self, door: UpstreamDoor, answers: UpstreamAnswers, manifests: ManifestHandler) -> None:
        self._door = door
        self._answers = answers
        self._manifests = manifests

    async def answer(self, request: Request, outside: Outside, connection: Connection, served: Served) -> None:
        """`request` as the upstream knows it; `outside` is how the client named it."""
        answer: Answer | None
        try:
            answer = await self._answer(request, outside, connection, served)
        except Failure as failure:
            if served.status:
                connection.cut()
                return
            answer = failure_answer(failure, "")
        if answer is not None:
            served.status = answer.status
            await connection.write(answer, bodiless=request.bodiless_answer)
            served.body_bytes, served.complete = connection.written_bytes, True

    async def _answer(
        self, request: Request, outside: Outside, connection: Connection, served: Served
    ) -> Answer | None:
        """None where it has been sent already."""
        found = _PATH.fullmatch(request.path)
        if found is None:
            return await self._base(request, outside, served)
        repository, kind, what = found.groups()
        accepted = f"{what}\n{_accepted(request)}"  # a tag may mean something else to another client
        asked = self._asked(request, repository, kind, accepted, served)
        if kind == "manifests" and "if-none-match" not in request.headers:
            return await self._manifests.answer(what, asked, request, connection, served)
        return await self._passed_on(request.method, asked, outside)

    def _asked(self, request: Request, repository: str, kind: str, what: str, served: Served) -> Asked:
        asked = self._door.asked(request, repository, kind, what, _ASKED_ALONG)
        return Asked(served.along(asked.passage), asked.question, asked.kind)

    async def _passed_on(self, method: str, asked: Asked, outside: Outside, rounds: int = ROUNDS_LIMIT) -> Answer:
        try:
            answer = await self._answers.fetch(method, asked, outside, rounds)
        except CredentialsWanted as refusal:
            await self._door.refused(asked.question, refusal)
            raise
        if answer.status == 403:
            await self._door.refused(asked.question, UpstreamDenied("the upstream refused"))
        return answer

    async def _base(self, request: Request, outside: Outside, served: Served) -> Answer:
        """`/v2/`: while the upstream is away, what it last said to these credentials, so that clients go on."""
        asked = self._asked(request, "", "base", request.path, served)
        if not self._door.is_away:
            try:
                rounds = 1 if self._door.remembers else ROUNDS_LIMIT
                answer = await self._passed_on(request.method, asked, outside, rounds)
            except UpstreamUnavailable:
                pass
            else:
                if request.path == _BASE and answer.status == 200:
                    self._door.allowed(asked.question)
                return answer
        if await self._door.recall(asked.question) is None:
            return await self._passed_on(request.method, asked, outside)
        served.stale = True
        return json_answer(200, {}, (("Warning", REVALIDATION_FAILED),))


def _accepted(request: Request) -> str:
    """In an order of ours: docker names the types in another one each time, and means the same."""
    return ",".join(sorted(kind.strip() for kind in request.headers.get("accept", "").split(",")))
