"""One mistake, judged by the tests that run through it: caught by the first that fails or does not end.

The tests are collected once; each mistake is put into a *fork* of that process, by giving the function it is in another
code object, so that async generators, slots and frozen dataclasses stay what they are. What the program reads when its
modules are loaded is written into the copy of the tree instead, and a fork that has not loaded anything runs the tests.
Rule for editors: a fork ends by `_exit` and takes what it started along; the process that forks runs no test.
"""

from __future__ import annotations

import ast
import gc
import os
import select
import signal
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .mutants import Mutant, mutated

_CAUGHT, _ESCAPED, _MISFIT = 1, 0, 3
_ENDS_WITHIN_S = 4.0


@dataclass(frozen=True, slots=True)
class Case:
    """`tests` in the order in which they are to run; `seconds` that each takes without a mistake."""

    mutant: Mutant
    tests: list[str]
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`by` is the test that caught it, empty where none did; `misfit`: it is to be judged by way of its file."""

    by: str = ""
    misfit: bool = False


class Bench:
    """A pytest plugin: it judges every case instead of running what was collected. `hear` is told each verdict."""

    def __init__(self, package: Path, cases: Iterable[Case], hear: Callable[[Case, Verdict], None]) -> None:
        self._package = package
        self._cases = cases
        self._hear = hear

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = {item.nodeid: item for item in session.items}
        self._functions = dict(_functions_below(self._package))
        self._sound: dict[str, bool] = {}
        gc.freeze()
        for case in self._cases:
            self._hear(case, self._judge(session, case))
        return True

    def _judge(self, session: pytest.Session, case: Case) -> Verdict:
        """Only a test that passes in a fork without the mistake can catch it."""
        tests = [test for test in case.tests if test in self._items and self._sound.get(test, True)]
        verdict = self._verdict(session, case, tests, put_in=True)
        catcher = verdict.by.removesuffix(" (no end)")
        if catcher not in tests or self._is_sound(session, case, catcher):
            return verdict
        return self._judge(session, case)

    def _is_sound(self, session: pytest.Session, case: Case, test: str) -> bool:
        if test not in self._sound:
            self._sound[test] = not self._verdict(session, case, [test], put_in=False).by
        return self._sound[test]

    def _verdict(self, session: pytest.Session, case: Case, tests: list[str], *, put_in: bool) -> Verdict:
        chosen = [self._items[test] for test in tests]

        def work(started: Callable[[int], None]) -> int:
            if put_in and not _swap(self._package, case.mutant, self._functions):
                return _MISFIT
            return _run(session, chosen, started)

        return judge_in_fork(case, tests, work)


class Stopper:
    """A pytest plugin: says which test begins, and ends the process at the first that fails."""

    def __init__(self, tests: list[str], started: Callable[[int], None]) -> None:
        self._place = {test: index for index, test in enumerate(tests)}
        self._started = started

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self._place), key=lambda i: self._place[i.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._started(self._place[nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(_CAUGHT)


def judge_by_file(package: Path, case: Case, arguments: list[str]) -> Verdict:
    """By way of the file in the copy, which is put right again. In a process that has not imported the package."""
    path = package / case.mutant.file
    text = path.read_text(encoding="utf-8")
    path.write_text(ast.unparse(mutated(text, case.mutant)), encoding="utf-8")
    try:

        def work(started: Callable[[int], None]) -> int:
            files = sorted({test.partition("::")[0] for test in case.tests})
            code = pytest.main([*arguments, *files], plugins=[Stopper(case.tests, started)])
            return _ESCAPED if code == 0 else _CAUGHT

        return judge_in_fork(case, case.tests, work)
    finally:
        path.write_text(text, encoding="utf-8")


def judge_in_fork(case: Case, tests: list[str], work: Callable[[Callable[[int], None]], int]) -> Verdict:
    """`work` runs in a fork; it says when the test of an index begins, and returns how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = _CAUGHT
        try:
            os.setpgid(0, 0)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nowhere, number)
            code = work(lambda index: _say(writing, index))
        except BaseException:
            code = _CAUGHT
        finally:
            os._exit(code)
    os.close(writing)
    ended = os.pidfd_open(child)
    try:
        last, in_time = _watch(reading, ended, tests, case.seconds)
    finally:
        os.close(reading)
        os.close(ended)
        _kill_group(child)
    _, status = os.waitpid(child, 0)
    by = tests[last] if 0 <= last < len(tests) else "loading it"
    if not in_time:
        return Verdict(f"{by} (no end)")
    code = os.waitstatus_to_exitcode(status)
    if code == _MISFIT:
        return Verdict(misfit=True)
    return Verdict("" if code == _ESCAPED else by)


def _say(writing: int, index: int) -> None:
    os.write(writing, index.to_bytes(4, "big"))


def _watch(reading: int, ended: int, tests: list[str], seconds: dict[str, float]) -> tuple[int, bool]:
    """(index of the last test that began, whether the fork ended in time). `ended` becomes readable when it does."""
    last, limit_s = -1, 3 * _ENDS_WITHIN_S
    while ready := select.select([reading, ended], [], [], limit_s)[0]:
        said = os.read(reading, 4) if reading in ready else b""
        if said:
            last = int.from_bytes(said, "big")
            limit_s = _ENDS_WITHIN_S + 10 * seconds.get(tests[last], 1.0)
        elif ended in ready:
            return last, True
    return last, False


def _kill_group(child: int) -> None:
    """With all that it started. The child itself is not waited for yet, so its number is still its own."""
    for kill in (os.killpg, os.kill):
        try:
            kill(child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def _run(session: pytest.Session, chosen: list[pytest.Item], started: Callable[[int], None]) -> int:
    stopper = Stopper([item.nodeid for item in chosen], started)
    session.config.pluginmanager.register(stopper)
    for item, following in zip(chosen, [*chosen[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return _ESCAPED


def _swap(package: Path, mutant: Mutant, functions: dict[tuple[str, str], list[types.FunctionType]]) -> bool:
    """Give every function of that name its new code. False where that cannot be done."""
    path = package / mutant.file
    code = compile(mutated(path.read_text(encoding="utf-8"), mutant), str(path), "exec")
    changed = next((one for one in _codes(code) if one.co_qualname == mutant.scope), None)
    live = functions.get((str(path), mutant.scope), [])
    if changed is None or not live:
        return False
    try:
        for function in live:
            function.__code__ = changed
    except ValueError:  # other free variables than before
        return False
    return True


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _codes(constant)


def _functions_below(package: Path) -> Iterator[tuple[tuple[str, str], list[types.FunctionType]]]:
    found: dict[tuple[str, str], list[types.FunctionType]] = {}
    for one in gc.get_objects():
        if isinstance(one, types.FunctionType) and one.__code__.co_filename.startswith(str(package)):
            found.setdefault((one.__code__.co_filename, one.__code__.co_qualname), []).append(one)
    yield from found.items()
