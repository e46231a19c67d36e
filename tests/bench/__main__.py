"""`make bench`: BENCH=quick (default full) chooses the plan; writes build/bench/report.json, report.md and charts.

    python -m bench [--plan quick|full] [--rounds N] [--window S] [--only KIND…] [--work DIR] [--publish]

`--publish` copies the report to docs/performance.md, its charts beside it, and what later runs compare with.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from .colds import Colds
from .collected import Collected
from .comparison import slower
from .field import Field
from .hits import Hits
from .machine import describe, processors
from .matrix import PLANS, Plan
from .page import PICTURES, page
from .pictures import pictures
from .preflight import ensure_peers, ensure_room
from .progress import Progress
from .refused import Refused
from .slows import Slows
from .starts import Starts

CHECKOUT = Path(__file__).parents[2]
LAST_REPORT = Path(__file__).parent / "last-report.json"
_ROOM_BYTES = {"quick": 3_000_000_000, "full": 16_000_000_000}
_KINDS = ("hit", "miss", "herd", "slow", "start")


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Compare the content cache with its peers.")
    parser.add_argument("--plan", default=os.environ.get("BENCH") or "full", help=" or ".join(PLANS))
    parser.add_argument("--only", nargs="+", choices=_KINDS, default=_KINDS, help="these kinds of cells")
    parser.add_argument("--work", type=Path, default=CHECKOUT / "build/bench", help="where blobs and caches lie")
    parser.add_argument("--rounds", type=int, help="so many instead of the plan's")
    parser.add_argument("--window", type=float, help="seconds of a sample of a hit, instead of the plan's")
    parser.add_argument("--publish", action="store_true", help="make the report the documented one")
    return parser.parse_args(argv)


def _only(plan: Plan, kinds: list[str]) -> Plan:
    def kept(cells: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(cell for cell in cells if cell.kind in kinds)

    return replace(plan, hits=kept(plan.hits), cold=kept(plan.cold), slow=kept(plan.slow), start=kept(plan.start))


def _planned(arguments: argparse.Namespace) -> Plan:
    plan = PLANS[arguments.plan]
    rounds, window_s = arguments.rounds or plan.rounds, arguments.window or plan.window_s
    cold_rounds = arguments.rounds or plan.cold_rounds
    name = f"{plan.name}: {rounds} rounds of hits for {window_s:g} s each, {cold_rounds} of first pulls and herds"
    plan = replace(plan, name=name, rounds=rounds, cold_rounds=cold_rounds, window_s=window_s)
    return _only(plan, arguments.only)


def command(argv: list[str], plan: str) -> str:
    """What makes this report again, typed in tests/; the plan is told even where BENCH chose it."""
    chosen = [] if any(one.split("=")[0] == "--plan" for one in argv) else ["--plan", plan]
    return shlex.join(["python", "-m", "bench", *chosen, *argv])


def _measure(plan: Plan, work: Path, typed: str) -> tuple[dict[str, Any], list[str]]:
    """The report, and what kept parts of it from being measured: an hour's figures are not lost for a late failure."""
    problems = []
    machine, collected, progress = describe(), Collected(), Progress(plan)
    field = Field(work, processors())
    try:
        for part in (Hits, Colds, Slows, Starts):
            try:
                part(field, plan, collected, progress).run()
            except Refused as refused:
                problems.append(str(refused))
                progress.say(str(refused))
    finally:
        field.end()
    report = collected.report(
        machine=machine, plan=plan.name, command=typed, duration_s=round(progress.duration_s)
    )  # fmt: skip
    return report, problems


def _write(report: dict[str, Any], folder: Path) -> list[str] | None:
    before = json.loads(LAST_REPORT.read_text(encoding="utf-8")) if LAST_REPORT.exists() else None
    told = None if before is None else slower(report, before)
    drawn = pictures(report)
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    for name, svg in drawn.items():
        (folder / PICTURES / name).write_text(svg, encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(page(report, drawn, told), encoding="utf-8")
    return told


def _publish(folder: Path) -> None:
    shutil.copyfile(folder / "report.md", CHECKOUT / "docs/performance.md")
    shutil.copytree(folder / PICTURES, CHECKOUT / "docs" / PICTURES, dirs_exist_ok=True)
    shutil.copyfile(folder / "report.json", LAST_REPORT)


def main(argv: list[str]) -> int:
    arguments = _arguments(argv)
    folder = CHECKOUT / "build/bench"
    try:
        if arguments.plan not in PLANS:
            raise Refused(f"BENCH: found {arguments.plan!r}, wanted one of {', '.join(PLANS)}")
        ensure_peers()
        arguments.work.mkdir(parents=True, exist_ok=True)
        ensure_room(arguments.work, _ROOM_BYTES[arguments.plan])
        typed = command(argv, arguments.plan)
        report, problems = _measure(_planned(arguments), arguments.work, typed)
    except Refused as refused:
        print(f"bench: {refused}", file=sys.stderr)
        return 1
    told = _write(report, folder)
    print((folder / "report.md").read_text(encoding="utf-8"))
    for line in told or ():
        print(f"bench: slower: {line}", file=sys.stderr)
    print(f"bench: {folder}/report.md, report.json, in {report['duration_s']}s", file=sys.stderr)
    if problems:
        print("\n".join(f"bench: not measured: {problem}" for problem in problems), file=sys.stderr)
        return 1
    if arguments.publish:
        _publish(folder)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
