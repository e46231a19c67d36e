"""The readers' own branches write the inputs: coverage-guided fuzzing; each cycle begins with the good inputs."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

from ..campaign import Campaign, CannotRun, Found
from ..parsers import PARSERS

_RUNS, _SLOW_RUNS = 200_000, 2_000
_SLOW = frozenset({"configuration"})
_WITHIN_S = 600
_BROKEN = Path(__file__).parents[3] / "build/endurance/broken-inputs"
_DONE = re.compile(r"^Done (\d+) runs", re.MULTILINE)
_SAID = re.compile(r"LawBroken: (.*)")


class GuidedFuzz(Campaign):
    """A cycle's random numbers come from its seed, its corpus begins with the good inputs, and where the machine lets
    us its addresses are the same each time (libFuzzer hashes some): it runs again as it ran. An input that breaks a law
    is kept in build/endurance/broken-inputs besides, and is judged again alone."""

    name = "guided fuzz"
    promise = "The same, for inputs that are made to reach every branch of the reader"
    unit = f"reader with {_RUNS:,} inputs"
    ci, full = 0, 100 * len(PARSERS)
    share = 2.0
    teeth_in_ci = False

    def begin(self) -> None:
        if importlib.util.find_spec("atheris") is None:
            raise CannotRun("atheris is not installed (requirements/fuzz.txt)")
        self._names = ["size"] if self.without else list(PARSERS)
        fixed = ["setarch", "--addr-no-randomize"]
        may = shutil.which("setarch") and subprocess.run([*fixed, "true"], capture_output=True, check=False)
        self._prefix = fixed if may and may.returncode == 0 else []
        self._broken = self.place / "broken" if self.without else _BROKEN

    def cycle(self, seed: str) -> Found:
        found, number = Found(), int(seed.rpartition(":")[2])
        name = self._names[number % len(self._names)]
        runs = _SLOW_RUNS if name in _SLOW else _RUNS
        folder = self.place / name.replace(" ", "-")
        try:
            done = subprocess.run(
                [*self._command(name, folder), f"-runs={runs}", f"-seed={zlib.crc32(seed.encode()) or 1}"],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_WITHIN_S,
                env={**os.environ, "PYTHONHASHSEED": "0"},
                check=False,
            )
            said = done.stderr + done.stdout
            found.count("inputs read", sum(map(int, _DONE.findall(said))))
            self._judge(name, folder, done.returncode, said, found)
        except subprocess.TimeoutExpired:
            found.broken.append(f"{name}: no end within {_WITHIN_S} s")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return found

    def _command(self, name: str, folder: Path) -> list[str]:
        loose = ["--loose"] if self.without else []
        return [*self._prefix, sys.executable, "-m", "endurance.guided", name, str(folder), *loose]

    def _judge(self, name: str, folder: Path, code: int, said: str, found: Found) -> None:
        if code == 0:
            found.expect(bool(_DONE.search(said)), f"{name}: it ran nothing: {said[-200:]}")
            return
        law = _SAID.search(said)
        told = law[1] if law else f"{name}: {said[-300:]!r}"
        inputs = sorted(folder.parent.glob(f"{folder.name}.broken-*"))
        found.broken.append(f"{told}, {self._keep(name, inputs[0]) if inputs else 'given no input'}")

    def _keep(self, name: str, path: Path) -> str:
        """Which input it was, and how it is judged again."""
        data = path.read_bytes()
        path.unlink()
        kept = self._broken / f"{name.replace(' ', '-')}-{hashlib.sha256(data).hexdigest()[:16]}"
        self._broken.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(data)
        again = shlex.join(["python", "-m", "endurance.judged", name, str(kept)])
        return f"given {data[:200]!r}; this input again, in tests: PYTHONPATH=../cache_runtime/tests {again}"

    def end(self) -> None: ...
