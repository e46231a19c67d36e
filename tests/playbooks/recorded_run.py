"""One run of ansible-playbook, as its tests ask about it.

Owns: reading what callback_plugins/record_events.py wrote. Does not own: starting the run (offices_world.py).
Rule: a question about a run is answered from the recorded results, its words from what a person would have read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """`output` is all that was printed, `events` every result of every task."""

    command: str
    code: int
    output: str
    events: tuple[dict[str, Any], ...]

    @property
    def changed(self) -> set[tuple[str, str]]:
        """(host, task) of each reported change."""
        return {(one["host"], one["task"]) for one in self.events if one["changed"] and one["kind"] == "ok"}

    @property
    def end(self) -> str:
        """The last lines of the output; all of it lies beside the recording."""
        return self.output[-4000:]

    @property
    def hosts(self) -> set[str]:
        """The hosts for which anything was done."""
        return {one["host"] for one in self.events}

    @property
    def sentence(self) -> str:
        """What the failed tasks said. An assertion error if none failed."""
        failed = [one for one in self.events if one["kind"] == "failed"]
        assert failed, f"{self.command} did not fail:\n{self.end}"
        return "\n".join(str(one["msg"]) for one in failed)

    def said(self, task: str) -> Any:
        """The message of the last result of a task."""
        told = [one["msg"] for one in self.events if one["task"] == task and one["kind"] == "ok"]
        assert told, f"{self.command} never came to '{task}':\n{self.end}"
        return told[-1]

    def first(self, host: str, task: str) -> int:
        """The place of the task's first result for the host in the order of the run."""
        return next(at for at, one in enumerate(self.events)
                    if (one["host"], one["task"], one["kind"]) == (host, task, "ok"))

    def succeeded(self) -> Run:
        """Itself; an assertion error with the output's end if it failed."""
        assert self.code == 0, f"{self.command} ended with {self.code}:\n{self.end}"
        return self


def read_run(command: list[str], code: int, output: str, recording: Path) -> Run:
    """The run whose results are in `recording`."""
    lines = recording.read_text(encoding="utf-8").splitlines() if recording.exists() else []
    shown = re.sub(r"\x1b\[[0-9;]*m", "", output)
    return Run(" ".join(command), code, shown, tuple(json.loads(line) for line in lines))
