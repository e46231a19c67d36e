"""An upstream's own answer, read whole and passed on: tags, referrers, `/v2/`, and what is no 200.

Rule for editors: of an upstream's answer a client gets the fields named here and no other.
"""

from __future__ import annotations

import asyncio

from ..delivery.attempts import refuse_failure
from ..delivery.limits import ROUNDS_LIMIT
from ..delivery.means import Means
from ..settings.model import Upstream
from ..upstream.ask import Ask
from ..upstream.response_head import ResponseHead
from .answers import API_VERSION, Answer, Headers
from .outside import Outside
from .upstream_door import Asked, UpstreamDoor

BODY_LIMIT_BYTES = 8 << 20
WITHIN_S = 60.0  # most have some kilobytes; the largest are long lists of tags, and a line may be thin
_PASSED_BACK = (
    "content-type",
    "docker-content-digest",
    "docker-distribution-api-version",
    "etag",
    "oci-filters-applied",
    "ratelimit-limit",
    "ratelimit-remaining",
    "retry-after",
    "warning",
)
_PASSED_STATUSES = (200, 206, 304, 400, 403, 404, 405, 406, 410, 416)


class UpstreamAnswers:
    def __init__(self, door: UpstreamDoor, means: Means) -> None:
        self._door = door
        self._means = means

    async def fetch(self, method: str, asked: Asked, outside: Outside, rounds: int = ROUNDS_LIMIT) -> Answer:
        """Whatever it says, as long as it is something to pass on. Raise CredentialsWanted, CircleRefused or
        UpstreamUnavailable."""
        means, answers = self._means, list[Answer]()
        means.refuse_circle(asked.passage)
        # Some registries keep manifests, too, elsewhere; no redirect of anything else has a meaning here.
        target, headers, elsewhere = asked.passage.target, asked.passage.headers, asked.kind == "manifests"
        ask = Ask(method, target, headers=headers, for_blob=elsewhere, within_s=WITHIN_S)

        def once(hop: Upstream) -> None:
            exchange = means.exchanges.open(hop, ask)
            try:
                head = exchange.head
                if head.status == 401:
                    self._door.want_credentials(hop, head)
                if head.status not in _PASSED_STATUSES:
                    refuse_failure(head)
                body = exchange.read_all(BODY_LIMIT_BYTES)
                answer = Answer(head.status, body, headers=passed_back(head, hop, outside))
                if method == "HEAD":
                    answer.length = head.length  # of a body that was not asked for: clients size a manifest by it
                answers.append(answer)
            finally:
                exchange.close()

        loop = asyncio.get_running_loop()
        attempt = lambda hop: loop.run_in_executor(means.questions, once, hop)  # noqa: E731
        await means.attempts.until_answered(attempt, rounds=rounds)
        return answers[-1]


def passed_back(head: ResponseHead, hop: Upstream | None = None, outside: Outside | None = None) -> Headers:
    """The fields of `head` for a client; its links only where `hop` and `outside` are known."""
    fields = tuple((name.title(), value) for name, value in head.headers if name in _PASSED_BACK)
    if hop is not None and outside is not None:
        links = [outside.link(value, hop) for name, value in head.headers if name == "link"]
        fields += tuple(("Link", link) for link in links if link is not None)
    named = {name.lower() for name, _ in fields}
    return fields if API_VERSION[0].lower() in named else (API_VERSION, *fields)
