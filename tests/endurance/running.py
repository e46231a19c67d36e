"""The cycles of campaigns: until there are enough of them, or until a run's time is up. Owns seeds, turns and teeth.

Rule for editors: a cycle's seed comes from the base and the cycle's number alone, never from the time that a turn got.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .attempt import account, attempt, how_to_replay
from .campaign import Campaign, CannotRun
from .record import Record, teeth_name

_TEETH_CYCLES = 300
_SAID_EVERY_S = 10.0
_SAVED_EVERY_S = 5.0


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
        try:
            office.end()
        finally:
            shutil.rmtree(place, ignore_errors=True)


def run(campaign: type[Campaign], record: Record, cycles: int, until_s: float = float("inf")) -> bool:
    """The cycles that `record` lacks; after `until_s` on the steady clock none begins but the first.

    False where it cannot begin here, or not end: nobody need try again in this run.
    """
    result, began = record.of(campaign.name), time.monotonic()
    first, seconds = result.cycles, result.seconds
    can_go_on = True
    while can_go_on and result.cycles < cycles and (time.monotonic() < until_s or result.cycles == first):
        can_go_on = _in_one_place(campaign, record, cycles, until_s)
    in_cycles = result.seconds - seconds
    record.spent.add(campaign.name, "cycles", in_cycles)
    record.spent.add(campaign.name, "begin", time.monotonic() - began - in_cycles)
    return can_go_on


def _in_one_place(campaign: type[Campaign], record: Record, cycles: int, until_s: float) -> bool:
    """Cycles until there are enough, time is up, or one ended in an exception: the next one needs another place."""
    result, is_whole = record.of(campaign.name), True
    try:
        with opened(campaign) as office:
            result.cannot_run = ""
            if office.full != campaign.full:
                result.wanted = office.full
                cycles = max(cycles, record.wanted(campaign))
            is_whole = _cycles(office, record, cycles, until_s)
    except CannotRun as reason:
        result.cannot_run = str(reason)
        say(f"{campaign.name}: not run: {reason}")
        return False
    except Exception as error:
        if is_whole:  # else it is what that cycle left
            what = f"it could not begin or end: {account(error)}"
            result.fail(f"{record.base}:{result.cycles}", what)
            say(f"{campaign.name}: BROKEN: {what}")
            return False
    finally:
        record.save()
    return True


def run_in_turns(campaigns: Sequence[type[Campaign]], record: Record, until_s: float) -> None:
    """Give each campaign its share of all time that the record knows of, a minute or so at a time, until `until_s`."""
    left = {campaign.name: campaign for campaign in campaigns}
    while left and (now := time.monotonic()) < until_s:
        shares = {name: campaign.share for name, campaign in left.items()}
        name = whose_turn(shares, {one: record.of(one).seconds for one in left})
        can_go_on = run(left[name], record, record.wanted(left[name]), min(until_s, now + left[name].turn_s))
        if not can_go_on or record.of(name).cycles >= record.wanted(left[name]):
            del left[name]


def whose_turn(shares: Mapping[str, float], spent_s: Mapping[str, float]) -> str:
    """Who had the least time for its share; of equals the first in order."""
    return min(shares, key=lambda name: spent_s[name] / shares[name])


def replay(campaign: type[Campaign], seed: str) -> list[str]:
    """What is broken in this cycle, and in those that it builds on. Raises whatever a cycle does."""
    with opened(campaign) as office:
        return [f"{one}: {what}" for one in office.leading_to(seed) for what in office.cycle(one).broken]


def run_again(campaign: type[Campaign], record: Record) -> None:
    """The cycles that broke, after what was wrong was mended. Those that keep the promise now are no longer broken."""
    result = record.of(campaign.name)
    for seed in result.broken_seeds():
        try:
            broken = replay(campaign, seed)
        except Exception as error:
            broken = [account(error)]
        if not broken:
            result.mend(seed, record.commit)
        record.save()
        say(f"{campaign.name}, seed {seed} again: {'BROKEN: ' + broken[0] if broken else 'kept'}")


def bite(campaign: type[Campaign], without: str, record: Record) -> None:
    """Until the campaign finds the cache without this part broken, at most _TEETH_CYCLES.

    An exception is no finding: what has no room on a disk, say, would be told from what has no teeth.
    """
    name = teeth_name(campaign.name, without)
    result, began = record.of(name), time.monotonic()
    if result.broken_cycles or record.of(campaign.name).cannot_run:
        return
    try:
        with opened(campaign, without) as office:
            while not result.broken_cycles and result.cycles < _TEETH_CYCLES:
                started, seed = time.monotonic(), f"{record.base}:{result.cycles}"
                record.add(name, seed, office.cycle(seed), time.monotonic() - started)
        said = f"noticed after {result.cycles}" if result.broken_cycles else f"NOT NOTICED in {result.cycles}"
    except CannotRun as reason:
        said = result.cannot_run = str(reason)
    except Exception as error:
        said = f"noticed after {result.cycles}" if result.broken_cycles else f"NOT NOTICED: {account(error)}"
    record.spent.add(campaign.name, "teeth", time.monotonic() - began)
    record.save()
    say(f"{campaign.name}, a cache without {without}: {said}")


def _cycles(office: Campaign, record: Record, cycles: int, until_s: float) -> bool:
    """False after a cycle that ended in an exception."""
    result, is_whole = record.of(office.name), True
    said = saved = now = time.monotonic()
    first = result.cycles
    while is_whole and result.cycles < cycles and (now < until_s or result.cycles == first):
        seed = f"{record.base}:{result.cycles}"
        began = time.monotonic()
        found, is_whole = attempt(office, seed)
        now = time.monotonic()
        record.add(office.name, seed, found, now - began)
        if found.broken:
            again = f"{how_to_replay(office.name, seed)}{_after(office, seed)}"
            say(f"{office.name}: BROKEN: {found.broken[0]}\n  again by: {again}")
        if now - saved > _SAVED_EVERY_S:
            record.save()
            saved = now
        if now - said > _SAID_EVERY_S or result.cycles == cycles or now >= until_s:
            left = (cycles - result.cycles) * result.seconds / result.cycles
            say(f"{office.name}: {result.cycles}/{cycles}, {result.broken_cycles} broken, {left:.0f} s left")
            said = now
    return is_whole


def _after(office: Campaign, seed: str) -> str:
    """What a replay runs besides."""
    first, *others = office.leading_to(seed)
    return f" (which runs all from {first} on: they have one volume)" if others else ""
