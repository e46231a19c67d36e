"""What the campaigns found so far, kept in a file after each cycle's batch: a run that is interrupted goes on there."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .campaign import Found

BROKEN_KEPT = 20


@dataclass
class Result:
    """Of one campaign. `broken` keeps the first of `broken_cycles`, each with its seed."""

    cycles: int = 0
    seconds: float = 0.0
    broken_cycles: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[dict[str, str]] = field(default_factory=list)
    cannot_run: str = ""

    def add(self, seed: str, found: Found, seconds: float) -> None:
        self.cycles += 1
        self.seconds += seconds
        self.counts += found.counts
        self.broken_cycles += bool(found.broken)
        for what in found.broken[: BROKEN_KEPT - len(self.broken)]:
            self.broken.append({"seed": seed, "what": what})


class Record:
    """`base`, `size` and the results by campaign. A record of another base seed or size is begun anew."""

    def __init__(self, path: Path, base: str, size: str) -> None:
        self._path = path
        self.base, self.size = base, size
        self.results: dict[str, Result] = {}
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            if (kept["base"], kept["size"]) == (base, size):
                for name, result in kept["results"].items():
                    self.results[name] = Result(**{**result, "counts": Counter(result["counts"])})

    def of(self, name: str) -> Result:
        return self.results.setdefault(name, Result())

    def save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        results = {name: vars(result) for name, result in self.results.items()}
        text = json.dumps({"base": self.base, "size": self.size, "results": results}, indent=1)
        beside = self._path.with_suffix(".new")
        beside.write_text(text + "\n", encoding="utf-8")
        beside.rename(self._path)
