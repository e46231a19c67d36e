"""Fills that broke, kept for a while for whoever asks next. Event loop only.

Owns what nobody flies at the moment. Rule for editors: what is parked keeps its room on the volume, so it goes as soon
as somebody needs that room, and in any case after PARKED_S.
"""

from __future__ import annotations

import asyncio
import time

from .filling import Filling
from .limits import PARKED_LIMIT, PARKED_S


class Parking:
    """By digest, the oldest first. It holds each filling that it keeps."""

    def __init__(self) -> None:
        self._parked: dict[str, tuple[float, Filling]] = {}

    def __len__(self) -> int:
        return len(self._parked)

    def keep(self, filling: Filling) -> None:
        """Take over the caller's hold."""
        self._parked[filling.digest.hex] = (time.monotonic() + PARKED_S, filling)
        filling.progress = None
        while len(self._parked) > PARKED_LIMIT:
            self._drop(next(iter(self._parked)))
        asyncio.get_running_loop().call_later(PARKED_S + 1, self._drop_overdue)

    def take(self, key: str) -> Filling | None:
        """The filling with its hold, no longer parked."""
        return self._parked.pop(key, (0.0, None))[1]

    def drop_all(self) -> bool:
        """Give the room back; True if there was anything."""
        keys = list(self._parked)
        for key in keys:
            self._drop(key)
        return bool(keys)

    def _drop_overdue(self) -> None:
        now = time.monotonic()
        for key in [key for key, (until, _) in self._parked.items() if until <= now]:
            self._drop(key)

    def _drop(self, key: str) -> None:
        _, filling = self._parked.pop(key)
        filling.drop()
        filling.release()
