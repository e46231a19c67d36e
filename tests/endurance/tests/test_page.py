"""The published page says what was kept, what was broken, and what could not be run; it flatters nobody."""

from __future__ import annotations

from pathlib import Path

from endurance.campaign import Campaign, Found
from endurance.page import page, teeth_name
from endurance.record import Record
from endurance.seeded import Seed

SEED = Seed("the brakes are gone", "car.py", "brake()", "pass", "test_car.py::test_it_stops", "a wall")


class Sample(Campaign):
    name, promise, unit, ci, full = "sample", "It holds", "try", 2, 20

    def begin(self) -> None: ...

    def cycle(self, seed: str) -> Found:
        return Found()

    def end(self) -> None: ...


def _page(record: Record) -> str:
    return page([Sample], [(Sample, "its brakes")], record, [SEED])


def test_a_promise_that_was_kept_says_in_how_many_cycles(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    found = Found()
    found.count("blobs checked", 1200)
    record.of("sample").add("1:0", found, 1.0)

    assert "| **sample**: It holds | 1 × try | 1,200 blobs checked | kept in all |" in _page(record)


def test_a_broken_promise_stands_on_the_page_with_its_seed(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of("sample").add("1:7", Found(broken=["wrong bytes"]), 1.0)

    text = _page(record)

    assert "**broken in 1**" in text
    assert "- sample, seed `1:7`: wrong bytes" in text


def test_what_could_not_be_run_is_not_called_kept(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of("sample").cannot_run = "no loop devices"

    assert "not run: no loop devices" in _page(record)
    assert "kept" not in _page(record).partition("|---|")[2]


def test_a_fault_that_was_not_noticed_makes_the_campaign_blind(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of(teeth_name(Sample, "its brakes")).add("1:0", Found(), 1.0)

    assert "**not in 1 cycles: the campaign is blind**" in _page(record)


def test_each_seeded_bug_stands_there_with_its_test_and_how_it_was_found(tmp_path: Path) -> None:
    text = _page(Record(tmp_path / "r", "1", "full"))

    assert "| the brakes are gone | `test_car.py::test_it_stops` | a wall |" in text
