"""docs/reliability.md out of a record: what was promised, how often it was tried, what was found, what was not reached.

Owns the page and its order. Does not own the tables beside the record (held.py, seeded.py, branches.json,
mutation.json). Rule for editors: nothing is said on the page that is not counted; what was not run says so in its own
place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .campaign import Campaign
from .held import Fault, RealBug
from .record import Record, Result, teeth_name
from .seeded import Seed

_HEAD = """# What we do to it, and what it lost

Written by `make endurance`; nobody edits this page. Each line is a promise and how often it was put to the test: the
real program, real files, real sockets, a seed for every cycle. `make test` runs a small part of each.

"""
_TEETH = """
## Would it notice?

A part is taken out of the program on purpose, and the same campaign must find the promise broken. If it does not, the
run fails.
"""
_SEEDS = """
### Bugs put in on purpose

Each of these bugs is put into a copy of the program, and the test that is named for it must fail.
"""
_REAL = """
## Every bug of ours that was found this way

And what found it. Each is held by a test now; none may come back unseen.
"""
_MATRIX = """
## What may go wrong

A name without an ending is one of the promises above, a file is one of the cache's own tests.
"""
_FOOT = """
## How a broken cycle runs again

A cycle that breaks its promise, or ends in an exception that nobody foresaw, prints the command by which it runs again,
such as `make replay CAMPAIGN='power cuts' SEED=2026:7`; the run goes on with the next one. In kills and power cuts ten
cycles have one volume: the replay runs those before it first.

## How power is cut

The volume is an ext4 on a loop device. The cache is stopped in the middle of its work, and the backing file is copied
until two copies are equal: what is still in the page cache is missing there, as after a power cut. The copy is mounted,
its journal replayed, every blob hashed, every path looked at, and a cache started on it. A blob that an earlier cut has
shown must still be there unless room was short. A last pull is known to the second if it was before the file system's
last flush, which ext4 makes every five seconds.
"""
_SCRATCH = re.compile(r"/tmp/[^/\s'\"<>]*")  # where a run happened to be made


@dataclass(frozen=True)
class Kept:
    """What stands beside the record. `branches`, `mutation`: of the JSON files of these names, empty without one."""

    seeds: Sequence[Seed] = ()
    faults: Sequence[Fault] = ()
    real_bugs: Sequence[RealBug] = ()
    branches: dict[str, Any] = field(default_factory=dict)
    mutation: dict[str, Any] = field(default_factory=dict)


def read_figures(path: Path) -> dict[str, Any]:
    """{"command", "date", "commit", "rooms": {name: {…}}}, or empty without such a file.

    Of a room, branches.json has "lines", "run", "branches" and "taken", mutation.json "mutants", "caught", "equal" and
    "score".
    """
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def page(
    campaigns: Sequence[type[Campaign]], teeth: Sequence[tuple[type[Campaign], str]], record: Record, kept: Kept
) -> str:
    """The whole page, in Markdown."""
    bitten = [(one.name, without, _bitten(record.of(teeth_name(one.name, without)))) for one, without in teeth]
    return "".join(
        (
            _HEAD,
            _summary(campaigns, record),
            _table(("promise", "cycles run, of wanted", "what was looked at", "verdict"), _promises(campaigns, record)),
            _broken(campaigns, record),
            _TEETH,
            _table(("campaign", "the cache is without", "noticed"), bitten),
            "\n## Do the tests test?\n",
            _branches(kept.branches),
            _mutation(kept.mutation),
            _SEEDS,
            _table(("bug", "the test that catches it"), ((seed.bug, f"`{seed.test}`") for seed in kept.seeds)),
            _REAL,
            _table(("bug", "found by", "held by"), _real_bugs(kept)),
            _MATRIX,
            _table(("fault", "promise", "proof"), ((one.fault, one.promise, _proofs(one)) for one in kept.faults)),
            _FOOT,
        )
    )


def _summary(campaigns: Sequence[type[Campaign]], record: Record) -> str:
    hours = sum(result.seconds for result in record.results.values()) / 3600
    through = sum(record.of(one.name).cycles >= (record.of(one.name).wanted or one.full) for one in campaigns)
    cycles = sum(record.of(one.name).cycles for one in campaigns)
    said = [
        f"{cycles:,} cycles in {hours:.1f} hours. {through} of {len(campaigns)} campaigns were run as often as wanted; "
        "of the others the table says how far they came, and the next run goes on there.",
        *(f"- {where}, of {', '.join(commits)}" for where, commits in record.about.items()),
    ]
    return "\n\n".join((said[0], "\n".join(said[1:]))).rstrip() + "\n"


def _promises(campaigns: Sequence[type[Campaign]], record: Record) -> Iterable[tuple[str, ...]]:
    for one in campaigns:
        result = record.of(one.name)
        cycles = f"{result.cycles:,} of {result.wanted or one.full:,} × {one.unit}{_of_commits(result)}"
        yield f"**{one.name}**: {one.promise}", cycles, _counted(result), _verdict(result)


def _of_commits(result: Result) -> str:
    """Of which commits these cycles are; a record from before commits were noted says nothing."""
    return f", of {', '.join(result.commits)}" if result.commits else ""


def _verdict(result: Result) -> str:
    if result.broken_cycles:
        return f"**broken in {result.broken_cycles}**"
    if result.cannot_run:
        return f"not run: {result.cannot_run}"
    if result.mended:
        return f"kept in all; in {result.mended} only since what they found was mended"
    return "kept in all" if result.cycles else "not run yet"


def _bitten(result: Result) -> str:
    if result.cannot_run:
        return f"not run: {result.cannot_run}"
    if result.cycles == 0:
        return "not run yet"
    if not result.broken_cycles:
        return f"**not in {result.cycles} cycles: the campaign is blind**"
    what = _SCRATCH.sub("", result.broken[0]["what"].splitlines()[0])[:110]
    return f"in cycle {result.cycles}{_of_commits(result)}: {what} …"


def _counted(result: Result) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(result.counts.items()))


def _broken(campaigns: Sequence[type[Campaign]], record: Record) -> str:
    found = [
        f"- {one.name}, seed `{each['seed']}`: {each['what']}"
        for one in campaigns
        for each in record.of(one.name).broken
    ]
    return "\n## Broken\n\n" + "\n".join(found) + "\n" if found else ""


def _measured(kept: dict[str, Any]) -> str:
    of_commit = f", of {kept['commit']}" if "commit" in kept else ""
    return f"By `{kept['command']}` on {kept['date']}{of_commit}:"


def _branches(kept: dict[str, Any]) -> str:
    if not kept:
        return "\nHow many of all branches a test takes has not been measured yet.\n"
    rooms = [
        (name, f"{room['run']:,} of {room['lines']:,}", f"{room['taken']:,} of {room['branches']:,}")
        for name, room in kept["rooms"].items()
    ]
    head = ("room", "lines run by a test of the room", "branches taken by one")
    return f"\nIs every branch taken? {_measured(kept)}\n{_table(head, rooms)}"


def _mutation(kept: dict[str, Any]) -> str:
    if not kept:
        return "\nHow many of all small changes to the program a test catches has not been measured yet.\n"
    rooms = [
        (name, f"{room['mutants']:,}", f"{room['caught']:,}", f"{room['equal']:,}", f"{room['score']:.1%}")
        for name, room in kept["rooms"].items()
    ]
    head = ("room", "small changes made", "caught by a test", "listed as no change", "score")
    return f"\nWould a test notice a small mistake? {_measured(kept)}\n{_table(head, rooms)}"


def _real_bugs(kept: Kept) -> Iterable[tuple[str, ...]]:
    for one in kept.real_bugs:
        yield one.bug, one.found_by, f"`{one.held_by}`"
    for seed in kept.seeds:
        if seed.real:
            yield seed.bug, seed.real, f"`cache_runtime/tests/{seed.test}`"


def _proofs(fault: Fault) -> str:
    return ", ".join(f"`{proof}`" if proof.endswith(".py") else proof for proof in fault.proof)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Whatever stands in a cell stays in it: `|` and line ends are what a table is made of, `<` what a page is."""
    cells = [[cell.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *cells]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
