"""A mistake is caught by the first test that fails, crashes or does not end; what it started goes with it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mutation import judging
from mutation.judging import Bench, Case, Verdict, judge_in_fork
from mutation.ledger import Ledger, read_equal
from mutation.mutants import Mutant, find

TESTS = ["t.py::one", "t.py::two"]
[MUTANT] = find("room/a.py", "def f(a):\n    a()\n")
CASE = Case(MUTANT, TESTS, dict.fromkeys(TESTS, 0.0))


def _judged(work: Callable[[Callable[[int], None]], int]) -> Verdict:
    return judge_in_fork(CASE, TESTS, work)


def test_what_no_test_notices_has_escaped() -> None:
    assert _judged(lambda started: started(0) or started(1) or 0) == Verdict()


def test_the_test_that_began_last_has_caught_it() -> None:
    assert _judged(lambda started: started(0) or 1).by == "t.py::one"
    assert _judged(lambda started: started(0) or started(1) or 1).by == "t.py::two"


def test_a_crash_is_noticed() -> None:
    assert _judged(lambda started: started(1) or os.kill(os.getpid(), signal.SIGSEGV) or 0).by == "t.py::two"


def test_a_program_that_cannot_be_loaded_is_noticed() -> None:
    assert _judged(lambda started: 1 // 0).by == "loading it"


def test_a_test_that_does_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_ENDS_WITHIN_S", 0.3)

    def hang(started: Callable[[int], None]) -> int:
        started(0)
        child = os.fork()
        if child:
            (tmp_path / "child").write_text(str(child))
        signal.pause()
        return 0

    assert _judged(hang).by == "t.py::one (no end)"
    _ends((tmp_path / "child").read_text())


def _ends(pid: str) -> None:
    """A process that was killed is gone, or waits for its parent to notice."""
    with contextlib.suppress(ProcessLookupError):
        ended = os.pidfd_open(int(pid))
        assert select.select([ended], [], [], 10)[0], "it is still there"
        os.close(ended)


SOURCE = """
class Box:
    __slots__ = ("size",)

    def __init__(self, size):
        self.size = size

    async def pieces(self):
        yield self.size + 1

    @property
    def double(self):
        return self.size * 2
"""
TEST = """
import asyncio
from boxes.room.a import Box

async def taken():
    return [piece async for piece in Box(1).pieces()]

def test_one():
    assert asyncio.run(taken()) == [2]

def test_two():
    assert Box(3).double > 5

def test_that_fails_anyway():
    assert Box(3).double == 0
"""


def test_functions_of_every_kind_are_given_their_mistake_and_only_in_the_fork(tmp_path: Path) -> None:
    package, told = tmp_path / "boxes", tmp_path / "told"
    (package / "room").mkdir(parents=True)
    (package / "room/a.py").write_text(SOURCE)
    (tmp_path / "test_a.py").write_text(TEST)
    tests = ["test_a.py::test_that_fails_anyway", "test_a.py::test_one", "test_a.py::test_two"]
    cases = [Case(mutant, tests, dict.fromkeys(tests, 0.0)) for mutant in find("room/a.py", SOURCE) if mutant.scope]
    child = os.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.environ["PYTHONPATH"] = str(tmp_path)
        sys.path.insert(0, str(tmp_path))
        verdicts: dict[str, str] = {}
        bench = Bench(package, cases, lambda case, verdict: verdicts.update({str(case.mutant): verdict.by}))
        pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "test_a.py"], plugins=[bench])
        told.write_text(json.dumps(verdicts))
        os._exit(0)
    os.waitpid(child, 0)

    assert json.loads(told.read_text()) == {
        "room/a.py:9 self.size + 1 → self.size - 1": "test_a.py::test_one",
        "room/a.py:9 1 → 2": "test_a.py::test_one",
        "room/a.py:13 return self.size * 2 → return": "test_a.py::test_two",
        "room/a.py:13 self.size * 2 → self.size // 2": "test_a.py::test_two",
        "room/a.py:13 2 → 3": "",
    }


def test_what_was_caught_counts_until_the_test_that_caught_it_changes(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text("def one(): pass\n")
    Ledger(tmp_path / "kept", tmp_path, "whole").note(MUTANT, Verdict("t.py::one[a] (no end)"))

    (tmp_path / "t.py").write_text("def other(): pass\n\n\ndef one(): pass\n")
    assert Ledger(tmp_path / "kept", tmp_path, "other").verdict(MUTANT) == Verdict("t.py::one[a] (no end)")
    (tmp_path / "t.py").write_text("def one(): return\n")
    later = Ledger(tmp_path / "kept", tmp_path, "whole")
    assert (later.verdict(MUTANT), later.last_catcher(MUTANT)) == (None, "t.py::one[a]")


def test_what_escaped_is_judged_again_as_soon_as_anything_has_changed(tmp_path: Path) -> None:
    Ledger(tmp_path / "kept", tmp_path, "whole").note(MUTANT, Verdict())

    assert Ledger(tmp_path / "kept", tmp_path, "whole").verdict(MUTANT) == Verdict()
    assert Ledger(tmp_path / "kept", tmp_path, "other").verdict(MUTANT) is None


def test_a_line_of_the_list_that_covers_nothing_any_more_is_said(tmp_path: Path) -> None:
    (tmp_path / "equal.yml").write_text("- {file: room/a.py, old: b(), new: pass, reason: gone}\n")
    mutants: list[Mutant] = [MUTANT]

    with pytest.raises(ValueError, match=r"found no b\(\) → pass in room/a\.py, wanted one"):
        read_equal(tmp_path / "equal.yml", mutants)
