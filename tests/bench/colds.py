"""Misses and herds: a cache with nothing in it, pulled through by one client, by 32 at once, or by 50 with an image.

Each sample starts its server anew on an empty volume, on all processors, and warms it by one small blob. CPU time and
upstream bytes go on counting until the server stands still: what it does after the last byte is work all the same. The
clients of a herd come with new connections; a miss's has asked for the small blob before, so that only the miss counts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from .asking import ask, verify, warm_target
from .blobs import Blob
from .collected import Collected
from .field import Field
from .figures import Sample, sample
from .hits import rotated
from .matrix import COLD_BLOBS, IMAGE_LAYERS, KIB, OWN_BUFFERS, Cell, Plan
from .progress import Progress
from .servers import limit
from .servers.place import Running
from .settling import Reading, when_still
from .targets import targets, warming


class Colds:
    def __init__(self, field: Field, plan: Plan, collected: Collected, progress: Progress) -> None:
        self._field = field
        self._plan = plan
        self._collected = collected
        self._progress = progress

    def run(self) -> None:
        for number in range(self._plan.cold_rounds):
            for cell in self._plan.cold:
                self._progress.step(f"round {number + 1} of {self._plan.cold_rounds}: {cell}", cell)
                for server in rotated(cell.servers, number, self._plan.cold_rounds):
                    os.sync()  # nobody pays for what another one has left to be written
                    self._field.library.read(self._blobs(cell))  # nor for what the origin has to fetch from its disk
                    found = self._bare(cell) if server == "limit" else self._sample(cell, server)
                    self._collected.add(cell, server, found)

    def _bare(self, cell: Cell) -> Sample:
        blob = self._blobs(cell)[0]
        folder = self._field.folder("bare")
        warm = self._field.library.blobs(4 * KIB, 1)[0]
        found = limit.fetch(self._field.origin.url, blob.path, folder / "data", warm.path)
        (folder / "data").unlink()
        return sample(found | {"first_byte_s": [found["first_byte_s"]]}) | {"upstream_bytes": found["body_bytes"]}

    def _sample(self, cell: Cell, server: str) -> Sample:
        blobs = self._blobs(cell)
        with self._field.cold(server, cell.scheme, own_buffers=cell.variant == OWN_BUFFERS) as running:
            self._warm(running, cell.scheme)
            running.process.reset_peak_rss()
            warm = warm_target(self._field, server) if cell.kind == "miss" else ""
            before = when_still(lambda: self._reading(running))
            found = ask(
                self._field, running, cell.scheme, self._targets(cell, running, blobs),
                pinned=False, pull="once", clients=cell.clients, warm=warm,
            )  # fmt: skip
            after = when_still(lambda: self._reading(running))
            busy = found["server_cpu_s"] / found["seconds"]  # while the clients were there
            found["server_cpu_s"] = after.cpu_s - before.cpu_s
            return sample(found) | {
                "server_busy": busy,
                "peak_rss_mb": running.process.peak_rss_mb(),
                "upstream_bytes": after.sent_bytes - before.sent_bytes,
                **({"different": len(blobs)} if cell.kind == "miss" else {}),
            }

    def _reading(self, running: Running) -> Reading:
        return Reading(running.process.cpu_s(), self._field.origin.sent_bytes())

    def _warm(self, running: Running, scheme: str) -> None:
        blobs = self._field.library.blobs(4 * KIB, 1)
        verify(self._field, running, scheme, warming(running.name, blobs, self._field.signer))

    def _targets(self, cell: Cell, running: Running, blobs: Sequence[Blob]) -> list[str]:
        """Every client's list, one after the other: of a miss its part of the blobs, of a herd all of them, each time
        with grants of its own."""
        if cell.kind == "miss":
            return targets(running.name, list(blobs), self._field.signer, len(blobs), new_of_ten=10)
        return [
            target
            for _ in range(cell.clients)
            for target in targets(running.name, list(blobs), self._field.signer, len(blobs), new_of_ten=10)
        ]

    def _blobs(self, cell: Cell) -> list[Blob]:
        if cell.kind == "miss":
            return self._cold_blobs(cell.size, max(cell.clients, COLD_BLOBS.get(cell.size, 1)))
        sizes = IMAGE_LAYERS if cell.variant == "image" else (cell.size,)
        return [self._cold_blobs(size, 1)[0] for size in sizes]

    def _cold_blobs(self, size: int, count: int) -> list[Blob]:
        """Without the one that warms."""
        warm = 1 if size == 4 * KIB else 0
        return self._field.library.blobs(size, warm + count)[warm:]
