"""The README says what the program has, no more and no less."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from dtr_simulator.quirks import QUIRKS
from dtr_simulator.request_log import Record

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_table_of_switches_is_that_of_the_program() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", section("Switches"), re.MULTILINE)
    shown = {name: tuple(re.findall(r"`([^`]+)`", positions)) for name, positions in rows}
    assert shown == {name: quirk.positions for name, quirk in QUIRKS.items()}


def test_every_member_of_the_request_log_is_explained() -> None:
    named = set(re.findall(r"`([a-z_]+)`", section("State and the request log")))
    assert {field.name for field in fields(Record)} <= named
