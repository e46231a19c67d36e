"""What a run took is told by campaign and part, the dearest first."""

from __future__ import annotations

from pathlib import Path

from endurance.record import Record
from endurance.running import bite, run
from endurance.spent import Spent

from .test_attempt import Stumbling


def test_the_dearest_campaign_stands_first_with_its_parts() -> None:
    spent = Spent()
    spent.add("rot", "cycles", 6.0)
    spent.add("kills", "cycles", 54.0)
    spent.add("kills", "teeth", 20.0)

    assert spent.lines() == [
        "  74.0 s  kills: begin 0.0, cycles 54.0, teeth 20.0",
        "   6.0 s  rot: begin 0.0, cycles 6.0, teeth 0.0",
    ]


def test_beginning_cycles_and_teeth_of_a_run_are_told_apart(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "7", "ci")

    run(Stumbling, record, 1)
    bite(Stumbling, "its feet", record)

    parts = record.spent.seconds["stumbling about"]
    assert set(parts) == {"begin", "cycles", "teeth"}
    assert 0 < sum(parts.values()) <= record.spent.total()
