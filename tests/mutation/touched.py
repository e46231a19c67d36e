"""Which test runs through which line, recorded once, and kept until a source or a test changes.

Owns the record and its file. Rule for editors: a test that fails without any mistake in the program makes every verdict
worthless, so recording fails then.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import pytest


@dataclass
class Touched:
    """`seconds` that each test takes; `lines`: the tests by file (below the package) and line; `files`: the digest of
    each file of tests that was recorded."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def by(self, file: str, lines: Iterable[int]) -> set[str]:
        of_file = self.lines.get(file, {})
        return {test for line in lines for test in of_file.get(line, ())}

    def by_any_of(self, file: str) -> set[str]:
        return self.by(file, self.lines.get(file, {}))

    def replace(self, files: dict[str, str], newer: Touched) -> None:
        """What was known of the tests of `files` goes; `newer` has it."""
        gone = {test for test in self.seconds if test.partition("::")[0] in files}
        self.seconds = {test: s for test, s in self.seconds.items() if test not in gone} | newer.seconds
        for file in {*self.lines, *newer.lines}:
            old, new = self.lines.get(file, {}), newer.lines.get(file, {})
            self.lines[file] = {line: old.get(line, set()) - gone | new.get(line, set()) for line in {*old, *new}}
        self.files |= files

    def save(self, path: Path) -> None:
        tests = sorted(self.seconds)
        place = {test: index for index, test in enumerate(tests)}
        lines = {f: {line: sorted(place[t] for t in of) for line, of in by.items()} for f, by in self.lines.items()}
        kept = {
            "tests": tests,
            "seconds": [round(self.seconds[t], 3) for t in tests],
            "lines": lines,
            "files": self.files,
        }
        path.write_text(json.dumps(kept), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Touched:
        kept = json.loads(path.read_text(encoding="utf-8"))
        tests = kept["tests"]
        lines = {f: {int(line): {tests[i] for i in of} for line, of in by.items()} for f, by in kept["lines"].items()}
        return cls(dict(zip(tests, kept["seconds"], strict=True)), lines, kept["files"])


class _Recorder:
    """A pytest plugin: each test is a context of its own."""

    def __init__(self, measuring: coverage.Coverage, touched: Touched) -> None:
        self._measuring = measuring
        self._touched = touched
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._measuring.switch_context(item.nodeid)
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self._measuring.switch_context("")
            self._touched.seconds[item.nodeid] = time.monotonic() - began

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def record(package: Path, rooms: Iterable[str], arguments: list[str]) -> Touched:
    """Run the tests of `arguments` once. In a process that has not imported the package yet. Raise ValueError."""
    touched = Touched()
    measuring = coverage.Coverage(
        data_file=None, config_file=False, concurrency=["thread"], include=[f"{package}/{room}/*" for room in rooms]
    )
    measuring.start()
    recorder = _Recorder(measuring, touched)
    code = pytest.main(arguments, plugins=[recorder])
    measuring.stop()
    if recorder.failed or code not in (0, 1):
        raise ValueError(f"tests fail without any mistake: {recorder.failed[:5] or code}")
    touched.lines = dict(_by_line(measuring.get_data(), package))
    return touched


def _by_line(data: Any, package: Path) -> Iterator[tuple[str, dict[int, set[str]]]]:
    for name in data.measured_files():
        by_line = data.contexts_by_lineno(name).items()
        yield str(Path(name).relative_to(package)), {line: set(tests) - {""} for line, tests in by_line}
