"""`make endurance`: promises of the cache, put to the test in very many cycles.

    python -m endurance [--size ci|full] [--only NAME…] [--base SEED] [--fresh] [--replay NAME SEED] [--publish]

What was found is kept in `build/endurance`: a run that was interrupted goes on where it was; `--fresh` begins anew.
`--publish` writes docs/reliability.md. Exit code 0: every promise was kept in every
cycle, and every fault that was put into the cache on purpose was noticed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .campaign import Campaign, CannotRun
from .campaigns.crowds import Crowds
from .campaigns.failing_calls import FailingCalls
from .campaigns.failing_reloads import FailingReloads
from .campaigns.grants import ForgedGrants, Leaks
from .campaigns.herds import Herds
from .campaigns.impostors import Impostors
from .campaigns.killed_plays import KilledPlays
from .campaigns.kills import Kills
from .campaigns.liars import Liars
from .campaigns.little_memory import LittleMemory
from .campaigns.power_cuts import PowerCuts
from .campaigns.rot import Rot
from .campaigns.seam import Seam
from .campaigns.seeded_bugs import SeededBugs
from .campaigns.smuggling import Smuggling
from .campaigns.soak import Soak
from .page import page, teeth_name
from .record import Record, Result
from .seeded import read_seeds

CHECKOUT = Path(__file__).parents[2]
CAMPAIGNS: tuple[type[Campaign], ...] = (
    Kills,
    PowerCuts,
    Seam,
    FailingCalls,
    FailingReloads,
    Rot,
    Liars,
    ForgedGrants,
    Leaks,
    Smuggling,
    Herds,
    Crowds,
    LittleMemory,
    Soak,
    Impostors,
    KilledPlays,
    SeededBugs,
)
TEETH: tuple[tuple[type[Campaign], str], ...] = (
    (PowerCuts, "flushing"),
    (Kills, "noting pulls"),
    (Kills, "tidying"),
    (Seam, "the seam"),
    (FailingCalls, "a way past the volume"),
    (FailingReloads, "a second look"),
    (Rot, "verdicts"),
    (Liars, "verdicts"),
    (ForgedGrants, "signatures"),
    (Leaks, "binding"),
    (Smuggling, "seeing bodies"),
    (Herds, "joining"),
    (Crowds, "an end to waiting"),
    (LittleMemory, "letting go"),
    (Soak, "verdicts"),
    (Impostors, "the right pin"),
    (KilledPlays, "the next deployment"),
    (SeededBugs, "the bug itself"),
)
_TEETH_CYCLES = 300
_SAID_EVERY_S = 10.0
_SAVED_EVERY_S = 5.0


def _arguments(argv: list[str]) -> argparse.Namespace:
    names = [campaign.name for campaign in CAMPAIGNS]
    parser = argparse.ArgumentParser(prog="python -m endurance", description="Look for faults by doing the worst.")
    parser.add_argument("--size", choices=("ci", "full"), default="full", help="how many cycles")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--base", default="1", help="the seed that all seeds come from")
    parser.add_argument("--replay", nargs=2, metavar=("NAME", "SEED"), help="one cycle again")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run found")
    parser.add_argument("--publish", action="store_true", help="write docs/reliability.md")
    return parser.parse_args(argv)


def say(text: str) -> None:
    print(f"endurance: {text}", file=sys.stderr, flush=True)


@contextmanager
def opened(campaign: type[Campaign], without: str = "") -> Iterator[Campaign]:
    """The campaign, ready for cycles. Raise CannotRun."""
    place = Path(tempfile.mkdtemp(prefix="endurance-"))
    office = campaign(place, without)
    try:
        office.begin()
        yield office
    finally:
        office.end()
        shutil.rmtree(place, ignore_errors=True)


def run(campaign: type[Campaign], record: Record, cycles: int) -> None:
    """The cycles that `record` does not have yet."""
    result = record.of(campaign.name)
    if result.cycles >= cycles:
        return
    try:
        with opened(campaign) as office:
            result.cannot_run = ""
            _cycles(office, record, result, cycles)
    except CannotRun as reason:
        result.cannot_run = str(reason)
        say(f"{campaign.name}: not run: {reason}")
    finally:
        record.save()


def bite(campaign: type[Campaign], without: str, record: Record) -> None:
    """Until the campaign finds the cache without this part broken, at most _TEETH_CYCLES."""
    result = record.of(teeth_name(campaign, without))
    if result.broken_cycles or record.of(campaign.name).cannot_run:
        return
    with opened(campaign, without) as office:
        while not result.broken_cycles and result.cycles < _TEETH_CYCLES:
            began = time.monotonic()
            seed = f"{record.base}:{result.cycles}"
            result.add(seed, office.cycle(seed), time.monotonic() - began)
    record.save()
    bitten = f"noticed after {result.cycles}" if result.broken_cycles else f"NOT NOTICED in {result.cycles}"
    say(f"{campaign.name}, a cache without {without}: {bitten}")


def _cycles(office: Campaign, record: Record, result: Result, cycles: int) -> None:
    said = saved = time.monotonic()
    while result.cycles < cycles:
        seed = f"{record.base}:{result.cycles}"
        began = time.monotonic()
        found = office.cycle(seed)
        now = time.monotonic()
        result.add(seed, found, now - began)
        if found.broken:
            say(f"{office.name}: BROKEN, --replay '{office.name}' {seed}: {found.broken[0]}")
        if now - saved > _SAVED_EVERY_S:
            record.save()
            saved = now
        if now - said > _SAID_EVERY_S or result.cycles == cycles:
            left = (cycles - result.cycles) * result.seconds / result.cycles
            say(f"{office.name}: {result.cycles}/{cycles}, {result.broken_cycles} broken, {left:.0f} s left")
            said = now


def _replay(name: str, seed: str) -> int:
    campaign = next((one for one in CAMPAIGNS if one.name == name), None)
    if campaign is None:
        say(f"no campaign {name!r}: {', '.join(one.name for one in CAMPAIGNS)}")
        return 2
    with opened(campaign) as office:
        found = office.cycle(seed)
    for what in found.broken:
        print(what)
    return bool(found.broken)


def main(argv: list[str]) -> int:
    arguments = _arguments(argv)
    if arguments.replay:
        return _replay(*arguments.replay)
    path = CHECKOUT / "build/endurance/record.json"
    if arguments.fresh or arguments.size == "ci":
        path.unlink(missing_ok=True)
    record = Record(path, arguments.base, arguments.size)
    chosen = [campaign for campaign in CAMPAIGNS if campaign.name in arguments.only]
    for campaign in chosen:
        run(campaign, record, getattr(campaign, arguments.size))
    teeth = [(one, without) for one, without in TEETH if one.teeth_in_ci or arguments.size == "full"]
    for campaign, without in teeth:
        if campaign in chosen:
            bite(campaign, without, record)
    text = page(CAMPAIGNS, TEETH, record, read_seeds())
    (CHECKOUT / "build/endurance/report.md").write_text(text, encoding="utf-8")
    if arguments.publish:
        (CHECKOUT / "docs/reliability.md").write_text(text, encoding="utf-8")
    broken = [campaign.name for campaign in chosen if record.of(campaign.name).broken_cycles]
    blind = [
        teeth_name(campaign, without)
        for campaign, without in teeth
        if campaign in chosen
        and not record.of(campaign.name).cannot_run
        and not record.of(teeth_name(campaign, without)).broken_cycles
    ]
    if broken or blind:
        say(f"broken: {broken or 'nothing'}; not noticed: {blind or 'nothing'}; see build/endurance/report.md")
        return 1
    say("every promise was kept, and every fault that was put in was noticed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
