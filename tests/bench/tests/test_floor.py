"""The floor under a first pull: every part is measured, and none is free."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import floor


def test_every_part_of_a_first_pull_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "SIZE", 4 << 20)
    found = floor._round(tmp_path)

    parts = ["hash", "write", "sync", "send", "receive", "receive and drop"]
    assert [name for name, part in zip(found, parts, strict=True) if not name.startswith(part)] == []
    assert min(found.values()) > 0
