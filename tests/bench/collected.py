"""All samples of a run, by cell and server, and the report that they make."""

from __future__ import annotations

from typing import Any

from .figures import Sample, summary
from .matrix import BESIDE, Cell


class Collected:
    def __init__(self) -> None:
        self._samples: dict[tuple[Cell, str], list[Sample]] = {}

    def add(self, cell: Cell, server: str, sample: Sample) -> None:
        self._samples.setdefault((cell, server), []).append(sample)

    def report(self, **about: Any) -> dict[str, Any]:
        """As build/bench/report.json has it: `cells`, and `more` for what would repeat a cell's address.

        `about`: machine, plan, command (as typed in tests/), duration_s.
        """
        cells: list[dict[str, Any]] = []
        more: list[dict[str, Any]] = []
        for (cell, server), samples in self._samples.items():
            entry: dict[str, Any] = {
                "kind": cell.kind,
                "scheme": cell.scheme,
                "size": cell.size,
                "clients": cell.clients,
                "server": server,
                "rounds": len(samples),
            }
            if cell.variant:
                entry["variant"] = cell.variant
            if cell.blobs:
                entry["blobs"] = cell.blobs
            (more if cell.variant in BESIDE else cells).append(entry | summary(samples))
        return {**about, "cells": cells, "more": more}
