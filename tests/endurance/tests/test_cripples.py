"""What a cripple takes out is still there to be taken out: a redesign of the program must not leave a tooth blunt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]


def test_each_part_can_still_be_taken_out() -> None:
    take_out = "from endurance.cripples import CRIPPLES\nfor name, cripple in CRIPPLES.items(): cripple(); print(name)"
    places = f"{TESTS}:{TESTS.parent / 'cache_runtime/tests'}"
    done = subprocess.run(
        [sys.executable, "-c", take_out], env={"PYTHONPATH": places}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 10
