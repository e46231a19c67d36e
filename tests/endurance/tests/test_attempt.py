"""A cycle that ends in an exception is a broken one, told with place and seed; the next one begins anew."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

import pytest
from endurance.attempt import account, how_to_replay
from endurance.campaign import Campaign, CannotRun, Found
from endurance.page import read_figures
from endurance.record import Record, teeth_name
from endurance.running import bite, run, run_in_turns


class Stumbling(Campaign):
    """Its second cycle ends in an exception; `places` are those in which it began."""

    name, promise, unit, ci, full = "stumbling about", "It stands", "step", 4, 4
    places: ClassVar[list[Path]] = []
    ended: ClassVar[list[Path]] = []
    stumbles: ClassVar[Exception] = AssertionError("not within 10s: the cache listens")

    def begin(self) -> None:
        self.places.append(self.place)

    def cycle(self, seed: str) -> Found:
        if seed.endswith(":1"):
            raise self.stumbles
        return Found()

    def end(self) -> None:
        self.ended.append(self.place)


class NeverUp(Stumbling):
    name = "never up"

    def begin(self) -> None:
        raise RuntimeError("the cache did not start")


class FallsApart(Stumbling):
    """After the cycle that ended in an exception it cannot even end."""

    name = "falls apart"

    def end(self) -> None:
        super().end()
        if len(self.places) == 1:
            raise BrokenPipeError("the nursery ended")


@pytest.fixture
def record(tmp_path: Path) -> Record:
    Stumbling.places.clear()
    Stumbling.ended.clear()
    return Record(tmp_path / "record.json", "7", "ci")


@pytest.mark.parametrize("campaign", [Stumbling, FallsApart])
def test_the_run_goes_on_in_another_place_and_all_other_cycles_count(
    record: Record, campaign: type[Campaign], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(campaign, record, 4)

    result = record.of(campaign.name)
    assert (result.cycles, result.broken_cycles) == (4, 1)
    assert [one["seed"] for one in result.broken] == ["7:1"]
    assert len(set(Stumbling.places)) == 2
    assert Stumbling.ended == Stumbling.places
    assert not any(place.exists() for place in Stumbling.places)
    said = capsys.readouterr().err
    assert "AssertionError: not within 10s: the cache listens (" in said
    assert f"make replay CAMPAIGN='{campaign.name}' SEED=7:1" in said


def test_what_a_machine_lacks_in_the_middle_of_a_cycle_hides_no_cycle(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stumbling, "stumbles", CannotRun("`umount …` failed here"))

    run(Stumbling, record, 4)

    assert record.of("stumbling about").cycles == 4
    assert record.of("stumbling about").broken[0]["what"].startswith("CannotRun: `umount …` failed here (")
    assert not record.of("stumbling about").cannot_run


def test_a_campaign_that_cannot_begin_is_broken_and_the_others_have_their_turn(record: Record) -> None:
    run_in_turns([NeverUp, Stumbling], record, until_s=time.monotonic() + 60)

    assert (record.of("never up").cycles, record.of("never up").broken_cycles) == (0, 1)
    assert "RuntimeError: the cache did not start" in record.of("never up").broken[0]["what"]
    assert record.of("stumbling about").cycles == 4


def test_a_tooth_does_not_bite_by_an_exception(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    bite(Stumbling, "its feet", record)

    assert record.of(teeth_name("stumbling about", "its feet")).broken_cycles == 0
    assert "NOT NOTICED: AssertionError" in capsys.readouterr().err


def test_the_account_names_the_line_of_the_suite_and_the_one_that_raised(tmp_path: Path) -> None:
    (tmp_path / "mutation.json").write_text("{", encoding="utf-8")

    with pytest.raises(ValueError, match="Expecting") as caught:
        read_figures(tmp_path / "mutation.json")

    said = account(caught.value)
    assert said.startswith("JSONDecodeError: Expecting property name")
    assert "(page.py:" in said
    assert ", in decoder.py:" in said


def test_an_account_stays_short_and_on_one_line() -> None:
    said = account(ValueError("word\n" * 1000))

    assert "\n" not in said
    assert len(said) < 400


def test_the_command_can_be_pasted_into_a_shell() -> None:
    assert how_to_replay("seam", "2026:3") == "make replay CAMPAIGN=seam SEED=2026:3"
    assert how_to_replay("power cuts", "2026:3") == "make replay CAMPAIGN='power cuts' SEED=2026:3"
