"""docs/reliability.md out of a record."""

from __future__ import annotations

from collections.abc import Sequence

from .campaign import Campaign
from .record import Record, Result
from .seeded import Seed

_HEAD = """# What we do to it, and what it lost

Written by `make endurance`; nobody edits this page. Each line is a promise and how often it was put to the test: the
real program, real files, real sockets, a seed for every cycle. `make test` runs a small part of each.

"""
_TEETH = """## Would it notice?

A part is taken out of the program on purpose, and the same campaign must find the promise broken. If it does not, the
run fails.
"""
_SEEDS = """## Do the tests test?

Each of these bugs is put into a copy of the program, and the test that is named for it must fail. Those with a word on
how they were found were ours: none may come back unseen.
"""
_FOOT = """
A cycle that breaks its promise prints its seed. It runs again by

    cd tests && PYTHONPATH=../cache_runtime/tests python -m endurance --replay NAME SEED

## How power is cut

The volume is an ext4 on a loop device. The cache is stopped in the middle of its work, and the backing file is copied
until two copies are equal: what is still in the page cache is missing there, as after a power cut. The copy is mounted,
its journal replayed, every blob hashed, and a cache started on it.
"""


def teeth_name(campaign: type[Campaign], without: str) -> str:
    """Under which name a record keeps the runs of a crippled cache."""
    return f"{campaign.name}, without {without}"


def _verdict(result: Result) -> str:
    if result.cannot_run:
        return f"not run: {result.cannot_run}"
    if result.cycles == 0:
        return "not run yet"
    return f"**broken in {result.broken_cycles}**" if result.broken_cycles else "kept in all"


def _bitten(result: Result) -> str:
    if result.cycles == 0:
        return "not run yet"
    if not result.broken_cycles:
        return f"**not in {result.cycles} cycles: the campaign is blind**"
    return f"in cycle {result.cycles}: {result.broken[0]['what'][:110].splitlines()[0]} …"


def _counted(result: Result) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(result.counts.items()))


def page(
    campaigns: Sequence[type[Campaign]],
    teeth: Sequence[tuple[type[Campaign], str]],
    record: Record,
    seeds: Sequence[Seed],
) -> str:
    lines = ["| promise | cycles | what was looked at | verdict |", "|---|---|---|---|"]
    for campaign in campaigns:
        result = record.of(campaign.name)
        cycles = f"{result.cycles:,} × {campaign.unit}"
        lines.append(
            f"| **{campaign.name}**: {campaign.promise} | {cycles} | {_counted(result)} | {_verdict(result)} |"
        )
    lines += ["", _TEETH, "| campaign | the cache is without | noticed |", "|---|---|---|"]
    for campaign, without in teeth:
        lines.append(f"| {campaign.name} | {without} | {_bitten(record.of(teeth_name(campaign, without)))} |")
    lines += ["", _SEEDS, "| bug | the test that catches it | found by |", "|---|---|---|"]
    lines += [f"| {seed.bug} | `{seed.test}` | {seed.real} |" for seed in seeds]
    broken = [
        f"- {campaign.name}, seed `{one['seed']}`: {one['what']}"
        for campaign in campaigns
        for one in record.of(campaign.name).broken
    ]
    found = "\n## Broken\n\n" + "\n".join(broken) + "\n" if broken else ""
    seconds = sum(result.seconds for result in record.results.values())
    ran = f"\nBase seed `{record.base}`, {seconds / 3600:.1f} hours.\n"
    return _HEAD + "\n".join(lines) + "\n" + ran + found + _FOOT
