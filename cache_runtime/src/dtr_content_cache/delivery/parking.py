"""Fills that broke, kept for a while for whoever asks next. On the loop, but `give_up`, which any thread may call.

Owns what nobody flies at the moment. Rule for editors: what is parked keeps its room on the volume, so it goes as soon
as somebody needs that room, before any blob, and in any case after PARKED_S. `_lock` covers the table for a moment;
whoever took a filling out of it drops it afterwards, because that waits for the volume.
"""

from __future__ import annotations

import asyncio
import threading
import time

from .filling import Filling
from .limits import PARKED_LIMIT, PARKED_S


class Parking:
    """By digest, the oldest first. It holds each filling that it keeps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parked: dict[str, tuple[float, Filling]] = {}

    def __len__(self) -> int:
        return len(self._parked)

    def keep(self, filling: Filling) -> None:
        """Take over the caller's hold."""
        filling.progress = None
        with self._lock:
            self._parked[filling.digest.hex] = (time.monotonic() + PARKED_S, filling)
        while len(self._parked) > PARKED_LIMIT:
            self.give_up()
        asyncio.get_running_loop().call_later(PARKED_S + 1, self._drop_overdue)

    def take(self, key: str) -> Filling | None:
        """The filling with its hold, no longer parked."""
        with self._lock:
            kept = self._parked.pop(key, None)
        return None if kept is None else kept[1]

    def give_up(self) -> int | None:
        """Give the oldest one's room back: so many bytes. None where nothing is parked."""
        with self._lock:
            if not self._parked:
                return None
            _, filling = self._parked.pop(next(iter(self._parked)))
        _drop(filling)
        return filling.total

    def drop_all(self) -> None:
        while self.give_up() is not None:
            pass

    def _drop_overdue(self) -> None:
        now = time.monotonic()
        with self._lock:
            overdue = [key for key, (until, _) in self._parked.items() if until <= now]
            fillings = [self._parked.pop(key)[1] for key in overdue]
        for filling in fillings:
            _drop(filling)


def _drop(filling: Filling) -> None:
    filling.drop()
    filling.release()
