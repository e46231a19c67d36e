"""Lets the tests of this folder import what is beside them, and gives each a sandbox that ends with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE), str(TOP / "tests/tools/docs"), str(TOP / "playbooks/demo")]

from sandbox import Sandbox  # noqa: E402


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("page"))
    yield made
    made.close()
