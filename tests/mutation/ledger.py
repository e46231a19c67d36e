"""What has been judged, kept line by line: a run that is interrupted goes on there. And what came out of it all.

Owns when a verdict still counts. A mistake that was caught stays caught as long as its function and the test that
caught it are the same; one that escaped is judged again when any source or test has changed. Rule for editors: a score
is of mistakes that were really judged.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .judging import Verdict
from .mutants import Mutant


@dataclass(frozen=True, slots=True)
class Equal:
    """A reviewed mistake that changes nothing anybody could notice, and why. `scope` "" is any."""

    file: str
    old: str
    new: str
    reason: str
    scope: str = ""

    def covers(self, mutant: Mutant) -> bool:
        same = (self.file, self.old, self.new) == (mutant.file, mutant.old, mutant.new)
        return same and self.scope in ("", mutant.scope)


def read_equal(path: Path, mutants: Iterable[Mutant]) -> dict[str, Equal]:
    """By the mutants' keys. Raise ValueError for a line that covers none any more."""
    listed = [Equal(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8")) or []]
    by_key = {}
    for equal in listed:
        covered = [mutant.key for mutant in mutants if equal.covers(mutant)]
        if not covered:
            where = f"{equal.file} {equal.scope}".strip()
            raise ValueError(f"{path.name}: found no {equal.old} → {equal.new} in {where}, wanted one")
        by_key.update(dict.fromkeys(covered, equal))
    return by_key


def digest_of(paths: Iterable[Path]) -> str:
    seen = hashlib.sha256()
    for path in sorted(paths):
        seen.update(path.read_bytes())
    return seen.hexdigest()[:16]


def digest_of_test(text: str, name: str) -> str:
    """Of the function `name` (or `name[parameters]`) with its decorators; of nothing where it is gone."""
    wanted = name.partition("[")[0]
    found = [ast.unparse(node) for node in ast.parse(text).body if getattr(node, "name", None) == wanted]
    return hashlib.sha256("".join(found).encode()).hexdigest()[:16]


class Ledger:
    """`tree` is the copy that is judged; `whole` the digest of all its sources and tests."""

    def __init__(self, path: Path, tree: Path, whole: str) -> None:
        self._path = path
        self._tree = tree
        self._whole = whole
        self._kept: dict[str, dict[str, str]] = {}
        self._signs: dict[str, str] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._kept[entry["key"]] = entry

    def verdict(self, mutant: Mutant) -> Verdict | None:
        entry = self._kept.get(mutant.key)
        if entry is None or entry["sign"] != self._sign(entry["by"]):
            return None
        return Verdict(entry["by"])

    def last_catcher(self, mutant: Mutant) -> str:
        return _test_of(self._kept.get(mutant.key, {}).get("by", ""))

    def note(self, mutant: Mutant, verdict: Verdict) -> None:
        entry = {"key": mutant.key, "by": verdict.by, "sign": self._sign(verdict.by)}
        self._kept[mutant.key] = entry
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry) + "\n")

    def _sign(self, by: str) -> str:
        if by not in self._signs:
            self._signs[by] = self._sign_anew(by)
        return self._signs[by]

    def _sign_anew(self, by: str) -> str:
        file, _, name = _test_of(by).partition("::")
        path = self._tree / file
        return digest_of_test(path.read_text(encoding="utf-8"), name) if name and path.is_file() else self._whole


def _test_of(by: str) -> str:
    return by.removesuffix(" (no end)")


def rooms(mutants: Iterable[Mutant], equal: dict[str, Equal], ledger: Ledger) -> dict[str, dict[str, Any]]:
    """By room: `mutants` judged, `caught` by a test, `equal` by review, and the `score`, caught of those not equal."""
    found: dict[str, dict[str, Any]] = {}
    for mutant in mutants:
        room = found.setdefault(mutant.room, {"mutants": 0, "caught": 0, "equal": 0, "score": 0.0})
        verdict = ledger.verdict(mutant)
        if mutant.key in equal:
            room["mutants"] += 1
            room["equal"] += 1
        elif verdict is not None:
            room["mutants"] += 1
            room["caught"] += bool(verdict.by)
    for room in found.values():
        room["score"] = round(room["caught"] / max(1, room["mutants"] - room["equal"]), 4)
    return found
