"""Slow clients: many readers on thin lines, each with a large blob under way. What counts is memory."""

from __future__ import annotations

from .asking import ask, verify
from .collected import Collected
from .field import Field
from .figures import Sample, sample
from .matrix import Cell, Plan
from .progress import Progress
from .targets import targets, warming

BYTES_PER_S = 64 * 1024


class Slows:
    def __init__(self, field: Field, plan: Plan, collected: Collected, progress: Progress) -> None:
        self._field = field
        self._plan = plan
        self._collected = collected
        self._progress = progress

    def run(self) -> None:
        for cell in self._plan.slow:
            self._progress.step(str(cell), cell)
            for server in cell.servers:
                self._progress.say(f"{server}: {cell}")
                self._collected.add(cell, server, self._sample(cell, server))

    def _sample(self, cell: Cell, server: str) -> Sample:
        blobs = self._field.library.blobs(cell.size, 2)
        running = self._field.start(server, cell.scheme)
        try:
            verify(self._field, running, cell.scheme, warming(server, blobs, self._field.signer))
            running.process.reset_peak_rss()
            found = ask(
                self._field, running, cell.scheme, targets(server, blobs, self._field.signer, cell.clients),
                pinned=True, pull="slow", clients=cell.clients, seconds=self._plan.slow_s, bytes_per_s=BYTES_PER_S,
            )  # fmt: skip
            return sample(found) | {"peak_rss_mb": running.process.peak_rss_mb()}
        finally:
            running.process.stop()
