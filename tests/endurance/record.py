"""What the campaigns found so far, kept in a file after each cycle's batch: a run that is interrupted goes on there."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .campaign import Campaign, Found
from .spent import Spent

BROKEN_KEPT = 20


def base_of(path: Path) -> str:
    """The base seed of the record at `path`, "1" where there is none. Raise OSError, ValueError."""
    return str(json.loads(path.read_text(encoding="utf-8"))["base"]) if path.exists() else "1"


def teeth_name(name: str, without: str) -> str:
    """Under which name a record keeps a campaign's runs of a crippled cache."""
    return f"{name}, without {without}"


@dataclass
class Result:
    """Of one campaign. `broken` keeps the first of `broken_cycles`, each with its seed. `wanted`: how many cycles are
    all, where the campaign had to learn it, else 0. `mended`: how many broke, and keep the promise since it was
    mended."""

    cycles: int = 0
    wanted: int = 0
    seconds: float = 0.0
    broken_cycles: int = 0
    mended: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[dict[str, str]] = field(default_factory=list)
    cannot_run: str = ""
    commits: list[str] = field(default_factory=list)  # of which the cycles were run; empty in a record from before

    def add(self, seed: str, found: Found, seconds: float) -> None:
        self.cycles += 1
        self.seconds += seconds
        self.counts += found.counts
        self.broken_cycles += bool(found.broken)
        self._keep(seed, found.broken)

    def fail(self, seed: str, what: str) -> None:
        """Before or after a cycle: the promise could not be put to the test."""
        self.broken_cycles += 1
        self._keep(seed, [what])

    def broken_seeds(self) -> list[str]:
        """Of every cycle that broke; fewer than `broken_cycles` where there were too many to keep."""
        return list(dict.fromkeys(each["seed"] for each in self.broken))

    def mend(self, seed: str, commit: str) -> None:
        """A cycle that broke was run again, and keeps the promise now."""
        self.broken = [each for each in self.broken if each["seed"] != seed]
        self.broken_cycles -= 1
        self.mended += 1
        if commit not in self.commits:
            self.commits.append(commit)

    def _keep(self, seed: str, broken: list[str]) -> None:
        self.broken += [{"seed": seed, "what": what} for what in broken[: BROKEN_KEPT - len(self.broken)]]


class Record:
    """`base`, `size`, `about` the runs, the results by campaign. A record of another base or size is begun anew."""

    def __init__(self, path: Path, base: str, size: str) -> None:
        self._path = path
        self.base, self.size = base, size
        self.commit = "unknown"  # of what is run now
        self.spent = Spent()
        self.about: dict[str, list[str]] = {}  # where and when → of which commits
        self.results: dict[str, Result] = {}
        if path.exists():
            kept, results = _read(path)
            if (kept["base"], kept["size"]) == (base, size):
                self.about, self.results = _about(kept), results

    def of(self, name: str) -> Result:
        return self.results.setdefault(name, Result())

    def add(self, name: str, seed: str, found: Found, seconds: float) -> None:
        """A cycle that was run now."""
        result = self.of(name)
        result.add(seed, found, seconds)
        if self.commit not in result.commits:
            result.commits.append(self.commit)

    def wanted(self, campaign: type[Campaign]) -> int:
        """How many cycles a run of this record's size has, as far as is known."""
        learned = self.of(campaign.name).wanted if self.size == "full" else 0
        return learned or int(getattr(campaign, self.size))

    def take_up(self, path: Path) -> None:
        """Of each campaign one result: a broken one that nobody has mended, else that with more cycles. Raise OSError,
        ValueError."""
        kept, results = _read(path)
        for where, commits in _about(kept).items():
            for commit in commits:
                self.tell(where, commit)
        for name, result in results.items():
            self.results[name] = _further(self.of(name), result)

    def tell(self, where: str, commit: str) -> None:
        """Where, when and of which commit a run was made."""
        commits = self.about.setdefault(where, [])
        if commit not in commits:
            commits.append(commit)

    def save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        results = {name: vars(result) for name, result in self.results.items()}
        text = json.dumps({"base": self.base, "size": self.size, "about": self.about, "results": results}, indent=1)
        beside = self._path.with_suffix(".new")
        beside.write_text(text + "\n", encoding="utf-8")
        beside.rename(self._path)


def _further(one: Result, other: Result) -> Result:
    """Mending counts only over a record that knows of no further break."""
    for this, that in ((one, other), (other, one)):
        broke = this.broken_cycles + this.mended, that.broken_cycles + that.mended
        if this.mended > that.mended and this.cycles >= that.cycles and broke[0] >= broke[1]:
            return this
    return max(one, other, key=lambda result: (result.broken_cycles > 0, result.cycles))


def _about(kept: dict[str, Any]) -> dict[str, list[str]]:
    about = kept.get("about")
    return about if isinstance(about, dict) else {}


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Result]]:
    """The document, and its results by campaign."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    results = {
        name: Result(**{**result, "counts": Counter(result["counts"])}) for name, result in kept["results"].items()
    }
    return kept, results
