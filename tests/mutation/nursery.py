"""The copy in which mistakes are judged: the program, its tests, and which of them count.

Rule for editors: the checkout itself is never touched, and what is changed in it meanwhile changes no verdict.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from .ledger import digest_of
from .mutants import Mutant, find

CHECKOUT = Path(__file__).parents[2]
ROOMS = ("storage", "admission", "delivery")
_PYTEST = ["-q", "-s", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=line"]


class Nursery:
    """In `place`. `sources` is the digest of the rooms, `digest` that of everything; `arguments` are pytest's."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for part in ("cache_runtime/src", "cache_runtime/tests"):
            shutil.copytree(CHECKOUT / part, place / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(CHECKOUT / "pyproject.toml", place)
        self.package = place / "cache_runtime/src/dtr_content_cache"
        self.arguments = [*_PYTEST, f"--basetemp={place}/temporary"]
        self.sources = digest_of(path for room in ROOMS for path in (self.package / room).glob("*.py"))
        self.digest = digest_of((place / "cache_runtime").rglob("*.py"))

    def test_files(self) -> dict[str, str]:
        """The rooms' own, with their digests. What only the test of a whole cache notices is found too late."""
        tests = self.place / "cache_runtime/tests"
        paths = [path for room in ROOMS for path in sorted((tests / room).glob("test_*.py"))]
        return {str(path.relative_to(self.place)): digest_of([path]) for path in paths}

    def mutants(self) -> list[Mutant]:
        files = [path for room in ROOMS for path in sorted((self.package / room).glob("*.py"))]
        return [
            mutant
            for path in files
            for mutant in find(f"{path.parent.name}/{path.name}", path.read_text(encoding="utf-8"))
        ]
