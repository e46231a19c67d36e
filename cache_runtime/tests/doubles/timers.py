"""What a loop is asked to do later."""

from __future__ import annotations

import asyncio

import pytest


def timers_of(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> list[asyncio.TimerHandle]:
    """Every timer that is set from now on, in that order, cancelled or not."""
    timers: list[asyncio.TimerHandle] = []
    call_later = loop.call_later

    def noted(*what: object) -> asyncio.TimerHandle:
        timers.append(call_later(*what))  # type: ignore[arg-type]
        return timers[-1]

    monkeypatch.setattr(loop, "call_later", noted)
    return timers
