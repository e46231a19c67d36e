"""The two tables that people keep by hand: what may go wrong with its proofs, and the bugs that were ours.

Owns their reading. Rule for editors: a row names a proof that exists, by campaign or by file; tests hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Fault:
    """`proof`: names of campaigns, or of test files below cache_runtime/tests."""

    fault: str
    promise: str
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RealBug:
    """`held_by`: `<file below the checkout>[::<test>]`."""

    bug: str
    found_by: str
    held_by: str


def read_faults() -> list[Fault]:
    return [Fault(one["fault"], one["promise"], tuple(one["proof"])) for one in _read("fault_matrix.yml")]


def read_real_bugs() -> list[RealBug]:
    return [RealBug(**one) for one in _read("real_bugs.yml")]


def _read(name: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = yaml.safe_load((_HERE / name).read_text(encoding="utf-8"))
    return rows
