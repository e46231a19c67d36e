"""A limited time is shared by the campaigns' weights, and what is resumed goes on with the next seed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

import pytest
from endurance.campaign import Campaign, CannotRun, Found
from endurance.record import Record
from endurance.running import run, run_again, run_in_turns, whose_turn


class Counting(Campaign):
    name, promise, unit, ci, full = "counting", "It counts", "count", 3, 5
    seeds: ClassVar[list[str]] = []

    def begin(self) -> None:
        self.seeds.clear()

    def cycle(self, seed: str) -> Found:
        self.seeds.append(seed)
        return Found()

    def end(self) -> None: ...


class Impossible(Counting):
    name = "impossible"

    def begin(self) -> None:
        raise CannotRun("there is no such thing")


def test_the_turn_is_with_whom_had_the_least_time_for_its_share() -> None:
    assert whose_turn({"a": 1, "b": 4}, {"a": 60, "b": 120}) == "b"
    assert whose_turn({"a": 1, "b": 4}, {"a": 60, "b": 300}) == "a"


def test_what_was_interrupted_goes_on_with_the_next_seed(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "7", "ci")
    record.of("counting").add("7:0", Found(), 0.1)

    run(Counting, record, 3)

    assert Counting.seeds == ["7:1", "7:2"]


def test_time_that_is_up_ends_a_turn_but_not_before_its_first_cycle(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "7", "ci")

    run(Counting, record, 3, until_s=time.monotonic() - 1)

    assert Counting.seeds == ["7:0"]


def test_turns_end_when_every_campaign_is_through_or_cannot_run(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "7", "full")

    run_in_turns([Impossible, Counting], record, until_s=time.monotonic() + 60)

    assert record.of("counting").cycles == 5
    assert record.of("impossible").cannot_run == "there is no such thing"


class Learning(Counting):
    """All there is are seven, as it finds out at its beginning."""

    name = "learning"

    def begin(self) -> None:
        super().begin()
        self.full = 7


def test_a_campaign_that_learns_how_many_cycles_are_all_gets_them(tmp_path: Path) -> None:
    record, path = Record(tmp_path / "r", "7", "full"), tmp_path / "r"

    run(Learning, record, record.wanted(Learning))

    assert record.of("learning").cycles == 7
    assert Record(path, "7", "full").wanted(Learning) == 7


def test_what_a_campaign_learns_makes_a_short_run_no_longer(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "7", "ci")

    run(Learning, record, record.wanted(Learning))

    assert record.of("learning").cycles == 3


class Mendable(Counting):
    name = "mendable"
    wrong: ClassVar[set[str]] = {"7:1", "7:3"}

    def cycle(self, seed: str) -> Found:
        return Found(broken=[f"{seed} is wrong", "and so"] if seed in self.wrong else [])


def test_only_what_broke_is_run_again_and_what_is_kept_now_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record(tmp_path / "r", "7", "full")
    record.commit = "abc1234"
    run(Mendable, record, 5)
    record.commit = "def5678"
    monkeypatch.setattr(Mendable, "wrong", {"7:3"})

    run_again(Mendable, record)
    found = Record(tmp_path / "r", "7", "full").of("mendable")

    assert (found.cycles, found.broken_cycles, found.mended, found.broken_seeds()) == (5, 1, 1, ["7:3"])
    assert found.commits == ["abc1234", "def5678"]
