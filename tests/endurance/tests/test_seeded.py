"""The table of seeded bugs fits the program: each has one place, changes it, and names a test that exists."""

from __future__ import annotations

import pytest
from endurance.seeded import CHECKOUT, SOURCES, Seed, read_seeds

SEEDS = read_seeds()


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.bug)
def test_each_bug_has_one_place_and_a_test_that_exists(seed: Seed) -> None:
    text = (CHECKOUT / SOURCES / seed.file).read_text(encoding="utf-8")
    file, _, name = seed.test.partition("::")

    assert seed.put_into(text) != text
    assert f"def {name}(" in (CHECKOUT / "cache_runtime/tests" / file).read_text(encoding="utf-8")


def test_there_are_at_least_thirty_of_them_each_said_once() -> None:
    assert len({seed.bug for seed in SEEDS}) == len(SEEDS) >= 30


def test_a_place_that_is_gone_or_not_the_only_one_is_said() -> None:
    seed = Seed("it counts twice", "a.py", "x + 1", "x + 2", "t.py::test")

    with pytest.raises(ValueError, match=r"a\.py: found 0 places for 'it counts twice', wanted one"):
        seed.put_into("nothing")
    with pytest.raises(ValueError, match="found 2 places"):
        seed.put_into("x + 1; x + 1")
