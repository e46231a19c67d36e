"""`python -m endurance.seeded [WORDS…]`: bugs put into a copy of the runtime, each caught by the test of that name.

Owns the table's reading (seeds.yml), the copy, and the judgement. A test counts as catching only if it passes without
the bug. Rule for editors: the checkout itself is never touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).parents[2]
SOURCES = "cache_runtime/src/dtr_content_cache"
_PYTEST_WITHIN_S = 120


@dataclass(frozen=True, slots=True)
class Seed:
    """`old` becomes `new` in `file`; `test` must fail then. `real`: how we found this bug when it was ours, else ""."""

    bug: str
    file: str
    old: str
    new: str
    test: str
    real: str = ""

    def put_into(self, text: str) -> str:
        """`text` of the file with the bug. Raise ValueError where `old` does not stand in it exactly once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: found {text.count(self.old)} places for {self.bug!r}, wanted one")
        return text.replace(self.old, self.new)


def read_seeds() -> list[Seed]:
    """The table; YAML's line ends after a block's last line are not part of the text."""
    entries = yaml.safe_load(Path(__file__).with_name("seeds.yml").read_text(encoding="utf-8"))
    return [Seed(**{name: value.rstrip("\n") for name, value in entry.items()}) for entry in entries]


class Greenhouse:
    """A copy of the runtime with its tests, in `place`; one bug at a time."""

    def __init__(self, place: Path) -> None:
        self._place = place
        for part in ("cache_runtime/src", "cache_runtime/tests"):
            shutil.copytree(CHECKOUT / part, place / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(CHECKOUT / "pyproject.toml", place)
        self._sound: set[str] = set()  # tests that pass without any bug

    def look_at(self, seeds: Sequence[Seed]) -> None:
        """Run the tests of all these without their bugs at once, which is quicker than one by one."""
        tests = {seed.test for seed in seeds} - self._sound
        if tests and self._run(*sorted(tests))[0] == 0:
            self._sound |= tests

    def judge(self, seed: Seed, *, put_in: bool = True) -> str:
        """Empty where the named test catches the bug, else a sentence. `put_in` False: the bug is left out."""
        code, output = (0, "") if seed.test in self._sound else self._run(seed.test)
        if code:
            return f"{seed.test} fails without the bug {seed.bug!r}: {_last_line(output)}"
        path = self._place / SOURCES / seed.file
        text = path.read_text(encoding="utf-8")
        try:
            path.write_text(seed.put_into(text) if put_in else text, encoding="utf-8")
            code, output = self._run(seed.test)
        except ValueError as stale:
            return str(stale)
        finally:
            path.write_text(text, encoding="utf-8")
        if code == 0:
            return f"nobody notices that {seed.bug}: {seed.test} passes"
        return "" if code == 1 else f"{seed.bug!r} is no bug that runs: {_last_line(output)}"

    def _run(self, *tests: str) -> tuple[int, str]:
        environ = {**os.environ, "PYTHONPATH": str(self._place / "cache_runtime/src"), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=line"]
        command += ["--timeout=30", *(f"cache_runtime/tests/{test}" for test in tests)]
        try:
            done = subprocess.run(
                command,
                cwd=self._place,
                env=environ,
                capture_output=True,
                text=True,
                timeout=_PYTEST_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 2, f"no end within {_PYTEST_WITHIN_S} s"
        return done.returncode, done.stdout + done.stderr


def _last_line(output: str) -> str:
    return (output.strip().splitlines() or ["no output"])[-1][:200]


def main(words: list[str]) -> int:
    """Judge the bugs whose sentence holds one of `words`, or all; the exit code is 1 if one is not caught."""
    chosen = [seed for seed in read_seeds() if not words or any(word in seed.bug for word in words)]
    escaped = 0
    with tempfile.TemporaryDirectory(prefix="seeded-") as place:
        house = Greenhouse(Path(place))
        for seed in chosen:
            said = house.judge(seed)
            escaped += bool(said)
            print(said or f"caught: {seed.bug}", flush=True)
    print(f"{len(chosen) - escaped} of {len(chosen)} caught")
    return bool(escaped) or not chosen


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
