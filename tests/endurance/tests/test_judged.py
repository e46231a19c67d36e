"""An input that a fuzzer kept is judged again alone, and the exit code says whether the law is broken still."""

from __future__ import annotations

from pathlib import Path

import pytest
from endurance.cripples import with_loose_digits
from endurance.judged import main


def test_the_exit_code_is_that_of_the_law(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "size-0123"
    kept.write_text("5\uff11", encoding="utf-8")

    assert main("size", [str(kept)]) == 0
    assert capsys.readouterr().out == f"{kept}: the law is kept\n"
    undo = with_loose_digits()
    try:
        assert main("size", [str(kept)]) == 1
    finally:
        undo()
    assert capsys.readouterr().out == f"{kept}: size: a number in other digits\n"
