"""What goes on while a cache lives, and what must not end it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dtr_content_cache import life
from dtr_content_cache.values.events import Event, Fault


def test_a_fault_while_files_are_looked_at_is_told_and_they_are_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "_LOOK_AT_FILES_EVERY_S", 0)
    events: list[Event] = []
    settings = SimpleNamespace(source=tmp_path / "config.yml")
    parts: Any = SimpleNamespace(settings=settings, emit=events.append)

    async def story() -> None:
        looked, again = [], asyncio.Event()
        living = life.Life(parts)

        def look() -> None:
            looked.append(True)
            if len(looked) == 1:
                raise ZeroDivisionError("a bug")
            again.set()

        monkeypatch.setattr(living, "_look_at_files", look)
        watching = asyncio.create_task(living._watch_files())
        await asyncio.wait_for(again.wait(), 10)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(story())

    assert [type(event) for event in events] == [Fault]
    assert "ZeroDivisionError" in events[0].traceback  # type: ignore[union-attr]
