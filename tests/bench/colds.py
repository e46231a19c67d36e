"""Misses and herds: a cache with nothing in it, pulled through by one client, by 32 at once, or by 50 with an image.

Each sample starts its server anew on an empty volume, on all processors, and warms it by one small blob. The CPU time
goes on counting for a moment after the last byte: what a server puts off until then is work all the same.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from .asking import ask, verify
from .blobs import Blob
from .collected import Collected
from .field import Field
from .figures import Sample, sample
from .hits import rotated
from .matrix import IMAGE_LAYERS, KIB, Cell, Plan
from .servers import limit
from .servers.place import Running
from .targets import targets, warming

_AFTERWARDS_S = 0.3


class Colds:
    def __init__(self, field: Field, plan: Plan, collected: Collected, say: Callable[[str], None]) -> None:
        self._field = field
        self._plan = plan
        self._collected = collected
        self._say = say

    def run(self) -> None:
        for number in range(self._plan.cold_rounds):
            for cell in self._plan.cold:
                self._say(f"round {number + 1} of {self._plan.cold_rounds}: {cell}")
                for server in rotated(cell.servers, number):
                    os.sync()  # nobody pays for what another one has left to be written
                    found = self._bare(cell) if server == "limit" else self._sample(cell, server)
                    self._collected.add(cell, server, found)

    def _bare(self, cell: Cell) -> Sample:
        blob = self._blobs(cell)[0]
        folder = self._field.folder("bare")
        found = limit.fetch(self._field.origin.url, blob.path, folder / "data")
        (folder / "data").unlink()
        return sample(found | {"first_byte_s": [found["first_byte_s"]]}) | {"upstream_bytes": found["body_bytes"]}

    def _sample(self, cell: Cell, server: str) -> Sample:
        blobs = self._blobs(cell)
        with self._field.cold(server) as running:
            self._warm(running)
            running.process.reset_peak_rss()
            before, cpu_before = self._field.origin.sent_bytes(), running.process.cpu_s()
            found = ask(
                self._field, running, cell.scheme, self._targets(cell, running, blobs),
                pinned=False, pull="once", clients=cell.clients,
            )  # fmt: skip
            time.sleep(_AFTERWARDS_S)
            found["server_cpu_s"] = running.process.cpu_s() - cpu_before
            return sample(found) | {
                "peak_rss_mb": running.process.peak_rss_mb(),
                "upstream_bytes": self._field.origin.sent_bytes() - before,
            }

    def _warm(self, running: Running) -> None:
        blobs = self._field.library.blobs(4 * KIB, 1)
        verify(self._field, running, "http", warming(running.name, blobs, self._field.signer))

    def _targets(self, cell: Cell, running: Running, blobs: Sequence[Blob]) -> list[str]:
        """Every client's list, one after the other; each client comes with grants of its own."""
        return [
            target
            for _ in range(cell.clients)
            for target in targets(running.name, list(blobs), self._field.signer, len(blobs), new_of_ten=10)
        ]

    def _blobs(self, cell: Cell) -> list[Blob]:
        sizes = IMAGE_LAYERS if cell.variant == "image" else (cell.size,)
        return [self._field.library.blobs(size, 1)[0] for size in sizes]
