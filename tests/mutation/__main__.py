"""`make test-mutation`: would the tests notice a small mistake in storage, admission or delivery?

    python -m mutation [--mutants N] [--seed SEED] [--only WORD…] [--fresh] [--publish]

Each mistake (operators.py) is put into the program alone, and the tests that run through it are run until one fails.
What was judged is kept in build/mutation; a run that is interrupted goes on there. Exit code 0: at least 95 of 100 were
caught in each room. `--mutants` judges a sample by seed; `--publish` writes what the page on reliability shows.

Why not a library: mutmut 3 was tried on this tree. It leaves out what is decorated or read when a module is loaded
(tables, patterns, defaults, properties), wants the sources in ./src, and collects the tests anew for each mistake, half
a second of 4290 times; cosmic-ray starts a pytest for each and knows no coverage. Here a fork of a process that has
collected once takes some hundredths.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .judging import Bench, Case, Verdict, judge_by_file
from .ledger import Ledger, read_equal, rooms
from .mutants import Mutant
from .nursery import CHECKOUT, ROOMS, Nursery
from .order import Orders
from .touched import Touched, record

BUILD = CHECKOUT / "build/mutation"
PUBLISHED = CHECKOUT / "tests/endurance/mutation.json"
WANTED_SCORE = 0.95


def say(text: str) -> None:
    print(f"mutation: {text}", file=sys.stderr, flush=True)


def in_child(work: Callable[[], None]) -> None:
    """`work()` in a fork, so that what it imports is not imported here. Raise RuntimeError where it fails."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except ValueError as error:
            say(str(error))
        finally:
            os._exit(code)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the tests could not be run")


def touched_by(nursery: Nursery) -> Touched:
    """Recorded where a file of tests is new, or a source."""
    kept, newer = BUILD / f"touched-{nursery.sources}.json", BUILD / "touched.new"
    touched = Touched.load(kept) if kept.exists() else Touched()
    stale = {file: digest for file, digest in nursery.test_files().items() if touched.files.get(file) != digest}
    if stale:
        say(f"recording which tests of {len(stale)} files run through which lines")
        in_child(lambda: record(nursery.package, ROOMS, [*nursery.arguments, *stale]).save(newer))
        touched.replace(stale, Touched.load(newer))
        touched.save(kept)
    return touched


class Progress:
    """Says now and then how many of `total` are judged."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._began = time.monotonic()
        self._done = 0

    def tick(self) -> None:
        self._done += 1
        if self._done % 50 == 0:
            left_s = (time.monotonic() - self._began) / self._done * (self._total - self._done)
            say(f"{self._done}/{self._total}, {left_s / 60:.0f} min left")


def judge(nursery: Nursery, mutants: list[Mutant], ledger: Ledger) -> None:
    """What the ledger has no verdict on. Raise RuntimeError where the tests do not run or fail anyway."""
    if not mutants:
        return
    orders = Orders(touched_by(nursery), ledger)
    clock = Progress(len(mutants))
    misfits: list[Mutant] = [mutant for mutant in mutants if not mutant.scope]

    def hear(case: Case, verdict: Verdict) -> None:
        if verdict.misfit:
            misfits.append(case.mutant)
            return
        orders.learn(case, verdict)
        ledger.note(case.mutant, verdict)
        if not verdict.by:
            say(f"ESCAPED {case.mutant}")
        clock.tick()

    def within_functions() -> None:
        cases = (orders.case(mutant) for mutant in mutants if mutant.scope)
        pytest.main([*nursery.arguments, *nursery.test_files()], plugins=[Bench(nursery.package, cases, hear)])
        (BUILD / "misfits").write_text("\n".join(mutant.key for mutant in misfits), encoding="utf-8")

    in_child(within_functions)
    keys = (BUILD / "misfits").read_text(encoding="utf-8").split()
    by_file = [mutant for mutant in mutants if mutant.key in keys]
    clock = Progress(len(by_file))
    for mutant in by_file:
        case = orders.case(mutant)
        hear(case, judge_by_file(nursery.package, case, nursery.arguments))


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mutation", description="Would the tests notice a mistake?")
    parser.add_argument("--mutants", type=int, metavar="N", help="a random sample of so many")
    parser.add_argument("--seed", default="1", help="what the sample comes from")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="those whose line of the report holds a word")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run found")
    parser.add_argument("--publish", action="store_true", help=f"write {PUBLISHED.relative_to(CHECKOUT)}")
    return parser.parse_args(argv)


def chosen(mutants: list[Mutant], arguments: argparse.Namespace) -> list[Mutant]:
    if arguments.only:
        mutants = [mutant for mutant in mutants if any(word in str(mutant) for word in arguments.only)]
    order = random.Random(arguments.seed)  # of all of them, too: a run that is cut off has judged a fair sample
    return order.sample(mutants, min(arguments.mutants or len(mutants), len(mutants)))


def report(mutants: list[Mutant], nursery: Nursery, ledger: Ledger, *, publish: bool, sample: str) -> int:
    """Written, said; the exit code. `sample`: the options that chose a part of all, else ""."""
    command = f"cd tests && python -m mutation {sample}" if sample else "make test-mutation"
    equal = read_equal(Path(__file__).with_name("equal.yml"), nursery.mutants())
    by_room = rooms(mutants, equal, ledger)
    verdicts = [(mutant, ledger.verdict(mutant)) for mutant in mutants if mutant.key not in equal]
    escaped = [str(mutant) for mutant, verdict in verdicts if verdict is not None and not verdict.by]
    asked = ["git", "-C", str(CHECKOUT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    said = {"command": command, "date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": commit}
    summary: dict[str, Any] = {**said, "rooms": by_room}
    text = json.dumps({**summary, "escaped": escaped}, indent=1, ensure_ascii=False)
    (BUILD / "report.json").write_text(text + "\n", encoding="utf-8")
    print("\n".join(escaped))
    for name, room in by_room.items():
        print(f"{name}: {room['caught']} of {room['mutants']} caught, {room['equal']} equal, {room['score']:.1%}")
    if publish:
        PUBLISHED.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return int(not by_room or any(room["score"] < WANTED_SCORE for room in by_room.values()))


def main(argv: list[str]) -> int:
    arguments = _arguments(argv)
    BUILD.mkdir(parents=True, exist_ok=True)
    kept = BUILD / "judged.jsonl"
    if arguments.fresh:
        kept.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutation-") as place:
        nursery = Nursery(Path(place).resolve())
        os.chdir(nursery.place)
        sys.path.insert(0, str(nursery.package.parent))
        sys.dont_write_bytecode = True
        os.environ["PYTHONPATH"] = str(nursery.package.parent)
        ledger = Ledger(kept, nursery.place, nursery.digest)
        mutants = chosen(nursery.mutants(), arguments)
        unjudged = [mutant for mutant in mutants if ledger.verdict(mutant) is None]
        try:
            judge(nursery, unjudged, ledger)
        except RuntimeError as failure:
            say(str(failure))
            return 2
        ledger = Ledger(kept, nursery.place, nursery.digest)  # with what the forks have noted
        is_part = bool(arguments.mutants or arguments.only)
        sample = " ".join(word for word in argv if word not in ("--publish", "--fresh")) if is_part else ""
        try:
            return report(mutants, nursery, ledger, publish=arguments.publish, sample=sample)
        except ValueError as stale:
            say(str(stale))
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
