"""Cost as the store grows: from the start of the process to the first byte of a blob (`start_ms`), then hits at rest
and during a sweep, what a sweep takes, memory.

The store is of tiny blobs and grows from one cell to the next. Hits come after the start's own work: ours walks the
whole store then, which its clients may notice and which is told apart.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from .asking import ask, verify
from .blobs import Blob, Library
from .collected import Collected
from .field import Field
from .figures import Sample, sample
from .matrix import Cell, Plan
from .progress import Progress
from .servers.place import Running
from .sweeps import Sweeps
from .targets import targets, warming

_ASKED_BLOBS = 200
_ASKED_TARGETS = 20_000


class Starts:
    def __init__(self, field: Field, plan: Plan, collected: Collected, progress: Progress) -> None:
        self._field = field
        self._plan = plan
        self._collected = collected
        self._progress = progress
        self._there = 0

    def run(self) -> None:
        root = self._field.folder("store")
        for cell in self._plan.start:
            self._progress.step(str(cell), cell)
            blobs = self._store(root, cell)
            for server in cell.servers:
                self._progress.say(f"{server}: {cell}")
                for found in self._samples(cell, server, root, blobs):
                    self._collected.add(cell, server, found)

    def _store(self, root: Path, cell: Cell) -> list[Blob]:
        library = Library(root)
        for number in library.fill(cell.blobs, self._there):
            self._progress.say(f"making a store of {cell.blobs:,} blobs: {number:,}")
        self._there = cell.blobs
        return library.tiny(range(0, cell.blobs, max(1, cell.blobs // _ASKED_BLOBS)))

    def _samples(self, cell: Cell, server: str, root: Path, blobs: list[Blob]) -> list[Sample]:
        """One a round of hits; the first says, too, what happens once."""
        asked = targets(server, blobs, self._field.signer, _ASKED_TARGETS)
        start = time.perf_counter()
        running = self._field.start(server, cell.scheme, root=root, level="debug")
        try:
            verify(self._field, running, cell.scheme, [(asked[0], blobs[0])])
            once: Sample = {"start_ms": (time.perf_counter() - start) * 1e3}
            sweeps = Sweeps(running.process) if server == "ours" else None
            if sweeps is not None:
                sweeps.the_starts_own()
            verify(self._field, running, cell.scheme, warming(server, blobs, self._field.signer))
            found = [sample(self._ask(cell, running, asked)) for _ in range(self._plan.rounds)]
            if sweeps is not None:
                once |= sweeps.alone() | sweeps.meanwhile(lambda: self._ask(cell, running, asked))
            return [found[0] | once | {"peak_rss_mb": running.process.peak_rss_mb()}, *found[1:]]
        finally:
            running.process.stop()

    def _ask(self, cell: Cell, running: Running, asked: list[str]) -> dict[str, Any]:
        return ask(
            self._field, running, cell.scheme, asked, pinned=True, pull="loop", clients=cell.clients,
            seconds=self._plan.window_s, warm=asked[0], spins=not running.shares,
        )  # fmt: skip
