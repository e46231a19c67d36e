"""Worlds for the tests of this folder. One is made for a file of tests, for a deployment takes most of a minute.

Owns the fixtures. Rule: a test leaves its world as its name says, so that a file can be read from top to bottom, as the
days of an operator."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "unit"), str(HERE.parents[1] / "playbooks" / "demo")]

from offices import offices  # noqa: E402
from offices_world import World, offices_world  # noqa: E402


@pytest.fixture(scope="module")
def world_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., World]]:
    """world_of(region, …) → a world with these regions of the demo, nothing deployed yet."""
    with ExitStack() as worlds:

        def made(*names: str) -> World:
            chosen = [office for office in offices() if office.region in names]
            return worlds.enter_context(offices_world(tmp_path_factory.mktemp("world"), chosen))

        yield made
