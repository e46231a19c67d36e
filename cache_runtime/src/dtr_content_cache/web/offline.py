"""`offline: serve` at work: what is noted and taken back while an upstream answers, and recalled while it does not.

Owns the order: notes are written and removed by one thread, in the order of the answers. What may be recalled by whom
is admission's. Rule for editors: what a refusal takes back is gone before the client hears of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from ..admission.last_answers import LastAnswer, LastAnswers, Question
from ..values.clock import Clock
from ..values.events import Emit, ServedOffline, StorageTrouble
from ..values.failures import NoSpace, StorageBroken

# RFC 7234 §5.5; newer HTTP does without, but it is the field that people look for.
REVALIDATION_FAILED = '111 dtr-content-cache "Revalidation Failed"'
STALE = f'110 dtr-content-cache "Response is Stale", {REVALIDATION_FAILED}'


class Offline:
    """`writing` has one thread; `reading` any number."""

    def __init__(self, answers: LastAnswers, writing: Executor, reading: Executor, clock: Clock, emit: Emit) -> None:
        self._answers = answers
        self._writing = writing
        self._reading = reading
        self._clock = clock
        self._emit = emit

    def note(self, question: Question, digest: str = "", content_type: str = "", challenge: str = "") -> None:
        """Nobody waits for it: an answer that is not noted is an answer that is not served later."""
        noted = lambda: self._answers.note(question, digest, content_type, challenge)  # noqa: E731
        self._writing.submit(self._told, noted)

    async def take_back(self, question: Question, *, all_of_repository: bool) -> None:
        forgotten = lambda: self._answers.forget(question, all_of_repository=all_of_repository)  # noqa: E731
        await asyncio.get_running_loop().run_in_executor(self._writing, self._told, forgotten)

    async def recall(self, question: Question) -> LastAnswer | None:
        """What the upstream last said, or what it last asked of those who come without credentials; None: neither."""
        found = await asyncio.get_running_loop().run_in_executor(self._reading, self._found, question)
        if found is not None and not found.challenge:
            age_s = max(0.0, self._clock.wall() - found.said_s)
            self._emit(ServedOffline(question.repository, question.what.partition("\n")[0], age_s))
        return found

    def _found(self, question: Question) -> LastAnswer | None:
        try:
            found = self._answers.recall(question)
            if found is None and question.anonymous:
                found = self._answers.recall(question.for_its_challenge)
            return found
        except (StorageBroken, NoSpace) as failure:
            self._emit(StorageTrouble("remembering", str(failure)))
            return None

    def _told(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (StorageBroken, NoSpace) as failure:
            self._emit(StorageTrouble("remembering", str(failure)))
