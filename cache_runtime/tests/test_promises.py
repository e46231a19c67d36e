"""whole/README.md names, for each promise, a test that exists, and leaves no file of that folder out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS / "whole/README.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`((?:\w+/)?test_\w+\.py)(?:::(test_\w+))?`", PAGE)
PROMISES = [line for line in PAGE.splitlines() if line.startswith("- ")]


def file_of(name: str) -> Path:
    """Without a folder it is one of whole/, or of the tests of the top room."""
    in_whole = TESTS / "whole" / name
    return in_whole if in_whole.exists() else TESTS / name


@pytest.mark.parametrize(("name", "test"), sorted(set(NAMED)))
def test_a_named_test_exists(name: str, test: str) -> None:
    tree = ast.parse(file_of(name).read_text(encoding="utf-8"))
    assert not test or test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("promise", PROMISES)
def test_each_promise_names_its_proof(promise: str) -> None:
    assert re.search(r"`(?:\w+/)?test_\w+\.py(?:::test_\w+)?`", promise)


def test_every_file_of_whole_proves_some_promise() -> None:
    proving = {file_of(name).name for name, _ in NAMED if file_of(name).parent.name == "whole"}
    assert {path.name for path in (TESTS / "whole").glob("test_*.py")} == proving
