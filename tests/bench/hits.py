"""Hits: every server at once, on warm blobs; in each round each cell is measured for all of them, the order rotated."""

from __future__ import annotations

import random
from collections.abc import Sequence

from .asking import ask, verify, warm_target
from .blobs import Blob, how_many
from .collected import Collected
from .field import Field
from .figures import Sample, sample
from .matrix import ALL_PROCESSORS, GRANT_VARIANTS, KIB, MIB, Cell, Plan
from .progress import Progress
from .servers.place import Running
from .targets import NEW_OF_TEN, targets, warming

_ASKED_PER_S = 50_000  # so many different requests are made ready for each second of a window, for the small sizes
_RANGE_BYTES = 256 * 1024


def rotated(servers: Sequence[str], round_number: int, rounds: int) -> list[str]:
    """Over the rounds each server has first, middle and last places, as evenly as so many rounds allow."""
    turn = round_number * len(servers) // rounds % len(servers)
    return [*servers[turn:], *servers[:turn]]


class Hits:
    def __init__(self, field: Field, plan: Plan, collected: Collected, progress: Progress) -> None:
        self._field = field
        self._plan = plan
        self._collected = collected
        self._progress = progress
        self._running: dict[tuple[str, str, bool], Running] = {}

    def run(self) -> None:
        try:
            self._prepare()
            for number in range(self._plan.rounds):
                for cell in self._plan.hits:
                    self._progress.step(f"round {number + 1} of {self._plan.rounds}: {cell}", cell)
                    for server in rotated(cell.servers, number, self._plan.rounds):
                        self._collected.add(cell, server, self._sample(cell, server))
        finally:
            for running in self._running.values():
                running.process.stop()

    def _prepare(self) -> None:
        """What one cell has warmed need not be warmed for the next of the same size."""
        small = self._field.library.blobs(4 * KIB, 1)
        wanted = {
            (server, cell.scheme, cell.size, _alone(cell)): cell for cell in self._plan.hits for server in cell.servers
        }
        for (server, scheme, _, _), cell in wanted.items():
            self._progress.say(f"checking what {server} sends: {cell}")
            asked = warming(server, [*self._blobs(cell), *small], self._field.signer)
            verify(self._field, self._server(server, cell), scheme, asked)

    def _server(self, server: str, cell: Cell) -> Running:
        place = server, cell.scheme, _alone(cell)
        found = self._running.get(place)
        if found is None:
            root = self._field.folder("volume") if server.endswith(("-proxy", "-proxy-cache")) else None
            workers = 1 if _alone(cell) else len(self._field.processors.every)
            started = self._field.start(server, cell.scheme, root=root, alone=_alone(cell), workers=workers)
            found = self._running[place] = started
        return found

    def _blobs(self, cell: Cell) -> list[Blob]:
        return self._field.library.blobs(cell.size, how_many(cell.size))

    def _sample(self, cell: Cell, server: str) -> Sample:
        running = self._server(server, cell)
        running.process.reset_peak_rss()
        window_s, alone = self._plan.window_s, _alone(cell)
        found = ask(
            self._field, running, cell.scheme, self._targets(cell, server, window_s),
            pinned=alone, pull="loop", clients=cell.clients, seconds=window_s,
            warm=warm_target(self._field, server), warm_once=self._each_once(cell, server),
            spins=alone and not running.shares,
        )  # fmt: skip
        if cell.size >= MIB and not cell.variant:
            found["answer_bytes"] = cell.size
        return sample(found) | {"peak_rss_mb": running.process.peak_rss_mb()}

    def _each_once(self, cell: Cell, server: str) -> list[str]:
        """A host may have taken back the memory that nobody has looked at for a while: a hit is of what is in it."""
        blobs = self._blobs(cell)
        return targets(server, blobs, self._field.signer, len(blobs), new_of_ten=0)

    def _targets(self, cell: Cell, server: str, window_s: float) -> list[str]:
        count = max(64, int(_ASKED_PER_S * window_s)) if cell.size < MIB else max(256, 4 * cell.clients)
        new_of_ten = GRANT_VARIANTS.get(cell.variant, NEW_OF_TEN)
        found = targets(server, self._blobs(cell), self._field.signer, count, new_of_ten)
        return with_ranges(found, cell.size) if cell.variant == "ranges" else found


def _alone(cell: Cell) -> bool:
    return cell.variant != ALL_PROCESSORS


def with_ranges(asked: Sequence[str], size: int) -> list[str]:
    """A storm of ranges: each request takes another piece, anywhere."""
    source = random.Random(size)
    starts = [source.randrange(size - _RANGE_BYTES) for _ in range(4096)]
    return [
        f"{asked[number % len(asked)]}\tbytes={start}-{start + _RANGE_BYTES - 1}" for number, start in enumerate(starts)
    ]
