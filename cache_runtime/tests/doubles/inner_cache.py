"""A whole cache inside the test's own process: every part of the real one, real sockets, but no start of a program.

For hundreds of cases against one cache, and for what cannot be seen from outside: its events, its flights. What a
process does (signals, exit codes, reload) is the business of running_cache.py.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests
import yaml
from dtr_content_cache.assembly import Parts
from dtr_content_cache.settings.loading import load
from dtr_content_cache.telling import Telling
from dtr_content_cache.upstream.turns import Turns
from dtr_content_cache.values.events import Event
from dtr_content_cache.web.early_loop import EarlyLoop
from dtr_content_cache.web.listener import Listener, bind

from .running_cache import Cache, eventually, simple_config

T = TypeVar("T")


class InnerCache(Cache):
    """`parts` are the cache's; touch them only by `on_loop`. `events` is all that they told."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        path = folder / "config.yml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        self.settings = load(path, {})
        self.root = self.settings.storage.root
        self.url = f"http://{config['http']['addr']}"
        self.events: list[Event] = []
        self.session = requests.Session()
        self.session.trust_env = False
        self._loop = EarlyLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> InnerCache:
        self._thread.start()
        self.on_loop(self._build)
        if self.settings.downstream.authorization == "grant":
            eventually(lambda: self.parts.admission.keys)
        return self

    def _build(self) -> None:
        self.parts = Parts(self.settings)
        self.parts.emit = Telling((self.parts.metrics.hear, self.events.append))
        self.parts.build()
        self._listener = Listener(bind(self.settings.http), self.parts.site, lambda: None, self.parts.emit)
        self._listener.start()
        if self.settings.downstream.authorization == "grant":
            self.parts.discovery.start()

    def on_loop(self, work: Callable[[], T]) -> T:
        """What `work` returns, called on the cache's loop."""

        async def call() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)

    def forgive(self) -> None:
        """Every upstream has its turn as if nothing had happened; the first of the configuration is asked first."""

        def forgive() -> None:
            self.parts.attempts.turns = Turns(self.settings.downstream.upstreams, self.parts.clock)
            self.parts.exchanges.forget_idle()

        self.on_loop(forgive)

    @property
    def flights(self) -> int:
        return self.on_loop(lambda: len(self.parts.deliveries.flights))

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in list(self.events) if isinstance(event, kind)]

    def stop(self) -> None:
        async def end() -> None:
            await self._listener.drain(0)
            for side in self.parts.sides:
                await side.deliveries.stop()
                side.exchanges.forget_idle()
            await self.parts.discovery.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self.session.close()


@contextmanager
def inner_cache(
    folder: Path,
    upstreams: list[str],
    *,
    http: dict[str, Any] | None = None,
    storage: dict[str, Any] | None = None,
    **options: Any,
) -> Iterator[InnerCache]:
    """As running_cache, the sections `http` and `storage` merged into the simple configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    config = simple_config(folder / "volume", upstreams, **options)
    config["http"].update(http or {})
    config["storage"].update(storage or {})
    cache = InnerCache(folder, config).start()
    try:
        yield cache
    finally:
        cache.stop()
