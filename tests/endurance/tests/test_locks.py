"""Whatever is installed anywhere is locked by hash, and no lock goes below the version in which a library was mended.

The floors: Tornado 6.6.1 (CVE-2026-115927, a stall by chunks of one byte, and the redirects of GHSA-5cjw-f85j-cv6r),
urllib3 2.7.0 (CVE-2026-44431), requests 2.33.0 (CVE-2026-25645).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
LOCKS = sorted((CHECKOUT / "requirements").glob("*.txt"))
FLOORS = {"tornado": (6, 6, 1), "urllib3": (2, 7, 0), "requests": (2, 33, 0)}
PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z0-9,-]+\])?==(\d+(?:\.\d+)*)(?=[\s;\\])")


def pins(lock: Path) -> dict[str, tuple[int, ...]]:
    found = (PIN.match(line) for line in lock.read_text(encoding="utf-8").splitlines())
    return {one[1].lower(): tuple(map(int, one[2].split("."))) for one in found if one}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_no_lock_goes_below_a_floor(lock: Path) -> None:
    below = {name: version for name, version in pins(lock).items() if version < FLOORS.get(name, (0,))}

    assert below == {}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_line_of_a_lock_has_its_hashes(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())

    assert blocks
    assert [block for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)] == []
    assert [block for block in blocks if "==" not in block] == []


def test_the_locks_hold_what_the_floors_are_for() -> None:
    assert "tornado" in pins(CHECKOUT / "requirements/runtime.txt")
    assert set(FLOORS) <= set(pins(CHECKOUT / "requirements/dev.txt"))


@pytest.mark.parametrize("project", ["cache_runtime", "tests/dtr_simulator"])
def test_who_installs_without_a_lock_gets_no_older_tornado(project: str) -> None:
    text = (CHECKOUT / project / "pyproject.toml").read_text(encoding="utf-8")

    assert re.findall(r'"tornado([^"]*)"', text) == [">=6.6.1"]
