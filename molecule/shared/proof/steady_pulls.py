"""Pulls that go on while something else happens: `with SteadyPulls(docker_pull(…), blob_read(…)) as pulls: …`.

Owns: a loop for each kind of pull, one soon after the other. Does not own: what happens meanwhile, or any
verdict. Rule: when the block ends, no pull is under way; a loop that broke is an error, not one without failures.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from types import TracebackType

import requests
from lab import Lab
from signed_urls import Client

# A loop rests as long as its pull took: a machine that only pulled would have no time for what happens meanwhile.
_LEAST_PAUSE_S = 0.5
Pull = Callable[[], str]  # one pull; what went wrong, "" if nothing did


def docker_pull(lab: Lab, desk: str, account: str, image: str) -> Pull:
    """A whole `docker login` and `docker pull` by an engine that has nothing of the image; it resumes what breaks."""

    def pull() -> str:
        result = lab.pull(desk, account, image)
        return "" if result.rc == 0 else f"{desk}: {result.stderr}"

    return pull


def blob_read(lab: Lab, account: str, repository: str, digest: str) -> Pull:
    """A signed URL of DTR's and all bytes from the cache. It forgives nothing: a transfer that is cut is a failure."""
    client = Client(lab, account)

    def read() -> str:
        try:
            answer = client.ask_cache(client.signed_url(repository, digest))
        except requests.RequestException as error:
            return f"controller: {error}"
        found = "sha256:" + hashlib.sha256(answer.content).hexdigest()
        return "" if (answer.status_code, found) == (200, digest) else f"controller: {answer.status_code}, {found}"

    return read


class SteadyPulls:
    """`outcomes` has a list for each loop, with what each of its pulls said, in the order in which they ended."""

    def __init__(self, *pulls: Pull) -> None:
        self.outcomes: list[list[str]] = [[] for _ in pulls]
        self._over = threading.Event()
        self._broken: list[BaseException] = []
        each = zip(pulls, self.outcomes, strict=True)
        self._loops = [threading.Thread(target=self._loop, args=one) for one in each]

    def __enter__(self) -> SteadyPulls:
        for loop in self._loops:
            loop.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for loop in self._loops:
            loop.join()
        if kind is None and self._broken:
            raise self._broken[0]

    @property
    def failures(self) -> list[str]:
        return [said for outcomes in self.outcomes for said in outcomes if said]

    def go_on(self, rounds: int, seconds: float = 120) -> None:
        """Return when each loop has begun and ended as many more pulls."""
        wanted = [len(outcomes) + 1 + rounds for outcomes in self.outcomes]  # the one under way began before
        Lab.wait_for(lambda: self._broken or all(map(self._at_least, self.outcomes, wanted)), seconds)

    @staticmethod
    def _at_least(outcomes: list[str], wanted: int) -> bool:
        return len(outcomes) >= wanted

    def _loop(self, pull: Pull, outcomes: list[str]) -> None:
        try:
            took_s = 0.0
            while not self._over.wait(max(_LEAST_PAUSE_S, took_s)):
                began = time.monotonic()
                outcomes.append(pull())
                took_s = time.monotonic() - began
        except BaseException as error:
            self._broken.append(error)
