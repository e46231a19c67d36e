"""How events get from whoever tells them to whoever hears them. It knows neither."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from .values.events import Event


class Telling:
    """Hands each event to its listeners on the loop's thread, from whichever thread it comes."""

    def __init__(self, hear: tuple[Callable[[Event], None], ...]) -> None:
        self._hear = hear
        self._thread = threading.get_ident()
        self._loop = asyncio.get_running_loop()

    def __call__(self, event: Event) -> None:
        if threading.get_ident() != self._thread:
            try:
                self._loop.call_soon_threadsafe(self, event)
            except RuntimeError:
                pass  # the loop has ended: nobody listens any more
            return
        for hear in self._hear:
            hear(event)
