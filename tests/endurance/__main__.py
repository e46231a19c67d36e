"""`make endurance`: promises of the cache, put to the test in very many cycles.

    python -m endurance [--size ci|full] [--only NAME…] [--minutes N] [--base SEED] [--fresh] [--publish]
    python -m endurance --merge FILE… [--publish]
    python -m endurance --again [--only NAME…] [--publish]
    python -m endurance --replay NAME SEED

`--minutes` shares a limited time among the campaigns, in turns; without it each gets all its cycles, one after another.
`--again` runs the cycles once more that broke, after what they found was mended: they are kept then, and told apart.
`--merge` runs nothing, but takes up what runs elsewhere found. What was found is kept in `build/endurance`: a run that
was interrupted goes on where it was, and where the published runs were if those came further, as long as it has their
seed; `--fresh` begins anew. A run of size ci has a folder of its own there, ci.
`--publish` writes docs/reliability.md, and beside this program the record that others go on from. Exit code 0: every
promise was kept in every cycle, and every fault that was put into the cache on purpose was noticed.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from .campaign import Campaign
from .campaigns.accounts import LeaksByAccount
from .campaigns.any_input import AnyInput
from .campaigns.confused_grants import ConfusedGrants
from .campaigns.crowds import Crowds
from .campaigns.failed_deployments import FailedDeployments
from .campaigns.failing_calls import FailingCalls
from .campaigns.failing_reloads import FailingReloads
from .campaigns.failing_sockets import FailingSockets
from .campaigns.grants import ForgedGrants, Leaks
from .campaigns.guided_fuzz import GuidedFuzz
from .campaigns.herds import Herds
from .campaigns.impostors import Impostors
from .campaigns.killed_plays import KilledPlays
from .campaigns.kills import Kills
from .campaigns.liars import Liars
from .campaigns.little_memory import LittleMemory
from .campaigns.meddlers import Meddlers
from .campaigns.one_host_of_three import OneHostOfThree
from .campaigns.power_cuts import PowerCuts
from .campaigns.raw_requests import RawRequests
from .campaigns.rot import Rot
from .campaigns.seam import Seam
from .campaigns.seeded_bugs import SeededBugs
from .campaigns.smuggling import Smuggling
from .campaigns.soak import Soak
from .campaigns.two_controllers import TwoControllers
from .held import read_faults, read_real_bugs
from .page import Kept, page, read_figures
from .record import Record, base_of, teeth_name
from .running import bite, replay, run, run_again, run_in_turns, say
from .seeded import read_seeds
from .whereabouts import where_and_when

CHECKOUT = Path(__file__).parents[2]
PUBLISHED = Path(__file__).with_name("published-record.json")
_CI_LIMIT_S = 360  # said, not enforced: a busy machine would fail
CAMPAIGNS: tuple[type[Campaign], ...] = (
    Kills,
    PowerCuts,
    Seam,
    FailingCalls,
    FailingReloads,
    FailingSockets,
    Rot,
    Meddlers,
    Liars,
    ForgedGrants,
    ConfusedGrants,
    Leaks,
    LeaksByAccount,
    AnyInput,
    GuidedFuzz,
    RawRequests,
    Smuggling,
    Herds,
    Crowds,
    LittleMemory,
    Soak,
    Impostors,
    KilledPlays,
    TwoControllers,
    FailedDeployments,
    OneHostOfThree,
    SeededBugs,
)
TEETH: tuple[tuple[type[Campaign], str], ...] = (
    (PowerCuts, "flushing"),
    (PowerCuts, "noting pulls"),
    (Kills, "noting pulls"),
    (Kills, "tidying"),
    (Seam, "the seam"),
    (FailingCalls, "a way past the volume"),
    (FailingReloads, "a second look"),
    (FailingSockets, "closing what failed"),
    (Rot, "verdicts"),
    (Meddlers, "a last look"),
    (Liars, "verdicts"),
    (ForgedGrants, "signatures"),
    (ConfusedGrants, "binding"),
    (ConfusedGrants, "numbers that are numbers"),
    (ConfusedGrants, "keys of its own"),
    (Leaks, "binding"),
    (LeaksByAccount, "whose verdict it is"),
    (LeaksByAccount, "which registry it is"),
    (LeaksByAccount, "taking back"),
    (AnyInput, "strict digits"),
    (GuidedFuzz, "strict digits"),
    (RawRequests, "strict heads"),
    (Smuggling, "seeing bodies"),
    (Herds, "joining"),
    (Crowds, "an end to waiting"),
    (Crowds, "forgetting who left"),
    (LittleMemory, "letting go"),
    (Soak, "verdicts"),
    (Soak, "a way past the volume"),
    (Soak, "letting go"),
    (Impostors, "the right pin"),
    (KilledPlays, "the next deployment"),
    (TwoControllers, "an end to twins"),
    (FailedDeployments, "the way back"),
    (OneHostOfThree, "the way back"),
    (SeededBugs, "the bug itself"),
)


def _arguments(argv: list[str]) -> argparse.Namespace:
    names = [campaign.name for campaign in CAMPAIGNS]
    parser = argparse.ArgumentParser(prog="python -m endurance", description="Look for faults by doing the worst.")
    parser.add_argument("--size", choices=("ci", "full"), default="full", help="how many cycles")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--minutes", type=float, help="how long at most, shared among the campaigns in turns")
    parser.add_argument("--base", help="the seed that all seeds come from; else the published one's, of size ci 1")
    parser.add_argument("--replay", nargs=2, metavar=("NAME", "SEED"), help="one cycle again, after those it builds on")
    parser.add_argument("--again", action="store_true", help="only what broke, once more")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run found")
    parser.add_argument("--merge", nargs="+", type=Path, metavar="FILE", help="records of other runs to take up")
    parser.add_argument("--publish", action="store_true", help="write docs/reliability.md")
    return parser.parse_args(argv)


def _replay(name: str, seed: str) -> int:
    campaign = next((one for one in CAMPAIGNS if one.name == name), None)
    if campaign is None:
        say(f"no campaign {name!r}: {', '.join(one.name for one in CAMPAIGNS)}")
        return 2
    broken = replay(campaign, seed)
    for what in broken:
        print(what)
    return bool(broken)


def _go(
    chosen: list[type[Campaign]], teeth: list[tuple[type[Campaign], str]], record: Record, minutes: float | None
) -> None:
    until_s = time.monotonic() + 60 * (minutes or 0)
    if not minutes:
        for campaign in chosen:
            run(campaign, record, record.wanted(campaign))
    for campaign, without in teeth:
        if campaign in chosen:
            bite(campaign, without, record)
    if minutes:
        run_in_turns(chosen, record, until_s)


def _say_what_it_took(record: Record) -> None:
    for line in record.spent.lines():
        say(line)
    took = f"{record.spent.total():.0f} s"
    say(f"CI part took {took} of {_CI_LIMIT_S} s" if record.size == "ci" else f"it took {took}")


def opened_record(path: Path, base: str | None, size: str, *, fresh: bool) -> Record:
    """Where a run goes on: what was found here, and of the published runs what came further. `base` None: theirs."""
    if fresh or size == "ci":
        path.unlink(missing_ok=True)
    record = Record(path, base or (base_of(PUBLISHED) if size == "full" else "1"), size)
    if size == "full" and not fresh and record.base == base_of(PUBLISHED):
        record.take_up(PUBLISHED)
    return record


def _write(record: Record, place: Path, *, publish: bool) -> None:
    record.save()
    figures = [read_figures(Path(__file__).with_name(f"{name}.json")) for name in ("branches", "mutation")]
    text = page(CAMPAIGNS, TEETH, record, Kept(read_seeds(), read_faults(), read_real_bugs(), *figures))
    (place / "report.md").write_text(text, encoding="utf-8")
    if publish:
        (CHECKOUT / "docs/reliability.md").write_text(text, encoding="utf-8")
        shutil.copyfile(place / "record.json", PUBLISHED)


def main(argv: list[str]) -> int:
    arguments = _arguments(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was begun is ended, what was found is kept
    if arguments.replay:
        return _replay(*arguments.replay)
    place = CHECKOUT / "build/endurance" / ("ci" if arguments.size == "ci" else "")
    record = opened_record(place / "record.json", arguments.base, arguments.size, fresh=arguments.fresh)
    for other in arguments.merge or ():
        record.take_up(other)
    chosen = [] if arguments.merge else [campaign for campaign in CAMPAIGNS if campaign.name in arguments.only]
    teeth = [(one, without) for one, without in TEETH if one.teeth_in_ci or arguments.size == "full"]
    if arguments.again:
        chosen, teeth = [campaign for campaign in chosen if record.of(campaign.name).broken_cycles], []
    if chosen:
        where, record.commit = where_and_when(CHECKOUT, record.base)
        record.tell(where, record.commit)
    if arguments.again:
        for campaign in chosen:
            run_again(campaign, record)
    else:
        _go(chosen, teeth, record, arguments.minutes)
    _write(record, place, publish=arguments.publish)
    _say_what_it_took(record)
    broken = [campaign.name for campaign in chosen if record.of(campaign.name).broken_cycles]
    blind = [
        teeth_name(campaign.name, without)
        for campaign, without in teeth
        if campaign in chosen
        and not record.of(campaign.name).cannot_run
        and not record.of(teeth_name(campaign.name, without)).broken_cycles
    ]
    if broken or blind:
        say(f"broken: {broken or 'nothing'}; not noticed: {blind or 'nothing'}; see {place / 'report.md'}")
        return 1
    say("every promise was kept, and every fault that was put in was noticed")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("stopped; the same command goes on after the last cycle that ended")
        sys.exit(130)
