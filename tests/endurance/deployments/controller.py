"""A controller that deploys an office while something else happens to it: its death, or another controller.

Owns the run as a process of its own, and the search of what it left in writing. Does not own when it dies, nor what is
expected afterwards.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from .office import DisturbedOffice

_WITHIN_S = 600


class Controller:
    """`said` is the file of what it prints, `done` that of its results."""

    def __init__(self, office: DisturbedOffice, name: str, **environment: str) -> None:
        self._world = office.world
        self.said, self._done = office.home / f"{name}.log", office.home / f"{name}.jsonl"
        self._done.unlink(missing_ok=True)
        with self.said.open("wb") as said:
            self._process = subprocess.Popen(
                office.world.command("deploy-caches.yml"),
                env=office.world.environment | {"RECORD_EVENTS": str(self._done)} | environment,
                cwd=office.home,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # whoever dies takes his group along
            )

    def code(self) -> int:
        """How it ended; waits for that."""
        return self._process.wait(_WITHIN_S)

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def words(self) -> str:
        return self.said.read_text(encoding="utf-8", errors="replace")

    def leaks(self) -> list[str]:
        """Secrets, tokens and grants in what it printed and recorded."""
        done = self._done.read_text(encoding="utf-8", errors="replace") if self._done.exists() else ""
        found: list[str] = self._world.leaks(self.words(), done)
        return found


@contextmanager
def controllers(office: DisturbedOffice, *environments: dict[str, str]) -> Iterator[tuple[list[Controller], set[str]]]:
    """That many at once, each with these variables besides; and what the process list shows of secrets, as it grows."""
    with office.world.listed() as listed:
        begun = [Controller(office, f"controller-{at}", **one) for at, one in enumerate(environments)]
        try:
            yield begun, listed
        finally:
            for one in begun:
                one.kill()
