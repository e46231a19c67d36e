"""Starts over a large store: from the start of the process to the first byte of a blob, then a hit's latency, memory.

`ttfb_ms` counts from the start of the process. The store is made once, of as many tiny blobs as the cell says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from .asking import ask, verify
from .blobs import Blob, Library
from .collected import Collected
from .field import Field
from .figures import Sample, sample
from .matrix import Cell, Plan
from .targets import targets, warming

_ASKED_BLOBS = 200
_SETTLE_S = 5.0


class Starts:
    def __init__(self, field: Field, plan: Plan, collected: Collected, say: Callable[[str], None]) -> None:
        self._field = field
        self._plan = plan
        self._collected = collected
        self._say = say

    def run(self) -> None:
        for cell in self._plan.start:
            root = self._field.folder("store")
            blobs = self._store(root, cell)
            for server in cell.servers:
                self._say(f"{server}: {cell}")
                self._collected.add(cell, server, self._sample(cell, server, root, blobs))

    def _store(self, root: Path, cell: Cell) -> list[Blob]:
        library = Library(root)
        for number in library.fill(cell.blobs):
            self._say(f"making a store of {cell.blobs:,} blobs: {number:,}")
        step = max(1, cell.blobs // _ASKED_BLOBS)
        return library.tiny(range(0, cell.blobs, step))

    def _sample(self, cell: Cell, server: str, root: Path, blobs: list[Blob]) -> Sample:
        asked = targets(server, blobs, self._field.signer, 20_000)
        start = time.perf_counter()
        running = self._field.start(server, cell.scheme, root=root)
        try:
            verify(self._field, running, cell.scheme, [(asked[0], blobs[0])])
            first_s = time.perf_counter() - start
            verify(self._field, running, cell.scheme, warming(server, blobs, self._field.signer))
            found = ask(
                self._field, running, cell.scheme, asked, pinned=True, pull="loop", clients=cell.clients,
                seconds=max(self._plan.window_s, _SETTLE_S if cell.blobs > 100_000 else 0.0),
            )  # fmt: skip
            rss_mb = running.process.peak_rss_mb()
        finally:
            running.process.stop()
        return sample(found) | {"ttfb_ms": first_s * 1e3, "peak_rss_mb": rss_mb}
