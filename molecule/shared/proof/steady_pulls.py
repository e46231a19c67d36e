"""Pulls that go on while something else happens: `with SteadyPulls(lab, desks, account, image) as pulls: …`.

Owns: a loop for each desk, each round of it a whole `docker login` and `docker pull` on an engine that has nothing of
the image. Does not own: what happens meanwhile, or any verdict. Rule: when the block ends, no pull is under way.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from lab import Lab


class SteadyPulls:
    """`results` are testinfra's of each `docker pull`, in the order in which they ended."""

    def __init__(self, lab: Lab, desks: Sequence[str], account: str, image: str) -> None:
        self.results: list[Any] = []
        self._lab, self._account, self._image = lab, account, image
        self._over = threading.Event()
        self._broken: list[BaseException] = []
        self._loops = [threading.Thread(target=self._loop, args=(desk,), name=desk) for desk in desks]

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
        """What Docker said about each pull that failed."""
        return [result.stderr for result in self.results if result.rc != 0]

    def _loop(self, desk: str) -> None:
        try:
            while not self._over.is_set():
                self.results.append(self._lab.pull(desk, self._account, self._image))
        except BaseException as error:  # a loop that ends early must not look like one without failures
            self._broken.append(error)
