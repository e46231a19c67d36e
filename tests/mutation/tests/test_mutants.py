"""Which mistakes are made of a text, which are not worth making, and that each has a name that lasts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from mutation.ledger import read_equal
from mutation.mutants import Mutant, find, mutated
from mutation.nursery import CHECKOUT

PACKAGE = CHECKOUT / "cache_runtime/src/dtr_content_cache"


def made_of(text: str) -> list[str]:
    """What each mistake makes of the one line of a function's body."""
    whole = f"def f(a, b, c):\n    {text}\n"
    made = [ast.unparse(mutated(whole, mutant)).splitlines()[1:] for mutant in find("room/a.py", whole)]
    return [" ".join(line.strip() for line in lines) for lines in made]


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("x = a < b", ["x = a <= b", "x = a >= b"]),
        ("x = a == b", ["x = a != b"]),
        ("x = a is None", ["x = a is not None"]),
        ("x = a in b", ["x = a not in b"]),
        ("x = a and b", ["x = a or b", "x = b", "x = a"]),
        ("x = not a", ["x = a"]),
        ("x = a + b", ["x = a - b"]),
        ("x = a[b:c]", ["x = a[:c]", "x = a[b:]"]),
        ("x = min(a, b)", ["x = max(a, b)"]),
        ("x = isinstance(a, Bee | Cee)", ["x = isinstance(a, Bee)", "x = isinstance(a, Cee)"]),
        ("x = [y for y in a if b]", ["x = [y for y in a]"]),
        ("x = b if a else c", ["x = b if not a else c"]),
        ("x = 7", ["x = 8"]),
        ("x = True", ["x = False"]),
        ("x = 'word'", ["x = 'wordXX'"]),
        ("x = f'{a}/word'", ["x = f'{a}/word' + 'XX'"]),
        ("a.b = c", ["pass"]),
        ("a += b", ["a = b", "a -= b"]),
        ("a()", ["pass"]),
        ("return a", ["return"]),
        ("return False", ["return True"]),
        ("raise a", ["pass"]),
        ("del a[b]", ["pass"]),
    ],
)
def test_each_kind_of_mistake_is_made(text: str, mistakes: list[str]) -> None:
    assert made_of(text) == mistakes


@pytest.mark.parametrize(
    "text",
    ["'''a docstring'''", "x = 'words for people'", "x = f'{a} for people'", "x: int = a", "return None"],
)
def test_what_nobody_could_notice_is_no_mistake(text: str) -> None:
    assert made_of(text) == []


MODULE = """
import os
__all__ = ["f"]
LIMIT = 7 * 60
PATTERN = "[0-9]+"
Alias = dict[str, int]

class Asked(Protocol):
    def ask(self) -> int: ...

class State(Enum):
    GONE = "gone"

@dataclass(frozen=True)
class Value:
    size: int = 3

    def grow(self, by=1):
        return self.size + by
"""


def test_figures_names_and_declarations_are_passed_over_and_defaults_belong_to_the_module() -> None:
    found = [(mutant.old, mutant.scope, mutant.names) for mutant in find("room/a.py", MODULE)]

    assert found == [
        ("'[0-9]+'", "", ("PATTERN",)),
        ("3", "", ("Value", "size")),
        ("1", "", ("grow", "Value")),
        ("return self.size + by", "Value.grow", ()),
        ("self.size + by", "Value.grow", ()),
    ]


def test_a_mistake_keeps_its_name_when_something_else_of_the_file_changes() -> None:
    text = "def f(a):\n    return a < 1\n"
    before, after = find("room/a.py", text), find("room/a.py", "def g():\n    return 7\n\n\n" + text)

    assert [mutant.key for mutant in before] == [mutant.key for mutant in after if mutant.scope == "f"]
    assert {mutant.key for mutant in find("room/a.py", text.replace("a", "b"))}.isdisjoint({m.key for m in before})


def test_two_mistakes_that_read_the_same_have_two_names() -> None:
    found = find("room/a.py", "def f(a):\n    return a + 1 + 1\n")

    assert len({mutant.key for mutant in found}) == len(found)


def _mutants_of(file: str) -> list[Mutant]:
    return find(file, (PACKAGE / file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", ["storage/placing.py", "delivery/leaps.py"])
def test_every_mistake_is_a_program(file: str) -> None:
    text = (PACKAGE / file).read_text(encoding="utf-8")
    for mutant in _mutants_of(file):
        compile(mutated(text, mutant), file, "exec")


def test_each_line_of_the_list_of_equal_ones_has_a_place_and_a_reason() -> None:
    path = Path(__file__).parents[1] / "equal.yml"
    files = {line.split(": ", 1)[1] for line in path.read_text(encoding="utf-8").splitlines() if line[:8] == "- file: "}
    equal = read_equal(path, [mutant for file in sorted(files) for mutant in _mutants_of(file)])

    assert all(len(one.reason.split()) > 3 for one in equal.values())
