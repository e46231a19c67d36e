"""The only file that builds the parts and joins them, and their life: start, reload, drain."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import ssl
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from . import __version__
from .admission import DOCUMENT_LIMIT_BYTES, Admission, Discovery
from .delivery.attempts import Attempts
from .delivery.deliveries import Deliveries
from .delivery.flight import Means
from .delivery.limits import Throttle
from .delivery.scrub import Scrubber
from .delivery.verification import Verdicts
from .observation.logs import Logs
from .observation.outlet import Outlet
from .retention.choice import Limits
from .retention.space import SpaceKeeper
from .retention.sweeper import Sweeper
from .settings import load
from .settings.model import Downstream, Settings, Upstream
from .storage import Store
from .upstream.discovery import DiscoveryKeeper
from .upstream.exchange import Exchanges
from .upstream.trust import Authorities
from .upstream.turns import Turns
from .values.clock import SystemClock
from .values.events import Event, Lifecycle, Reloaded
from .values.failures import ConfigurationRefused
from .web.blob import BlobHandler
from .web.listener import Listener, bind
from .web.site import CacheSite

_LOOK_AT_FILES_EVERY_S = 10.0
_THREADS_BESIDE_FILLS = 96  # heads, relays and segments


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


class Cache:
    """A running cache. `start` raises ConfigurationRefused or StorageBroken before anything listens."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.logs = Logs(settings.log, self.clock, Outlet(2), Outlet(1))
        self.emit = Telling((self.logs.hear,))
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.logs.use_loop(loop)
        self.emit(Lifecycle("starting", f"dtr-content-cache {__version__} with {self.settings.source}"))
        for warning in self.settings.warnings:
            self.logs.say("warn", warning)
        _raise_descriptor_limit()
        self._build_storage()
        self._build_upstream_side()
        self._build_site()
        await self._open_doors()

    def _build_storage(self) -> None:
        settings = self.settings
        self.store = Store(str(settings.storage.root))
        if not settings.storage.read_only:
            self.store.prepare()
            self.store.probe()
        self.disk_threads = ThreadPoolExecutor(8, "disk")
        self.sweep_thread = ThreadPoolExecutor(2, "sweep")
        self.space = SpaceKeeper(
            self.store,
            _limits(settings.downstream),
            self.clock,
            self.emit,
            may_delete=settings.storage.delete_enabled,
            may_write=not settings.storage.read_only,
        )
        self.sweeper = Sweeper(
            self.store,
            self.space,
            self.clock,
            self.emit,
            leftover_age_s=settings.storage.partial_age_s,
            executor=self.sweep_thread,
        )
        self.scrubber = Scrubber(self.store, self.sweep_thread, self.emit)

    def _build_upstream_side(self) -> None:
        downstream = self.settings.downstream
        self.fetch_threads = ThreadPoolExecutor(downstream.max_fills + _THREADS_BESIDE_FILLS, "fetch")
        self.authorities = Authorities(downstream.cas)
        self.exchanges = Exchanges(
            lambda: self.authorities.context, downstream.stall_timeout_s, downstream.redirect_hosts
        )
        self.attempts = Attempts(Turns(downstream.upstreams, self.clock), self.emit, lambda: self.authorities.consulted)
        self.admission = Admission(self.clock, downstream.clock_skew_s)
        self.discovery = DiscoveryKeeper(
            lambda: self.settings.downstream.upstreams,
            self._fetch_discovery,
            self.store.recall,
            self._remember_discovery,
            self._adopt,
            self.clock,
            self.emit,
            consulted=lambda: self.authorities.consulted,
        )

    def _fetch_discovery(self, upstream: Upstream, path: str) -> Awaitable[bytes]:
        return asyncio.get_running_loop().run_in_executor(
            self.fetch_threads, self.exchanges.fetch_document, upstream, path, DOCUMENT_LIMIT_BYTES
        )

    def _remember_discovery(self, document: bytes) -> None:
        if not self.settings.storage.read_only:
            self.store.remember(document)

    def _adopt(self, discovery: Discovery) -> None:
        self.admission.use(discovery.keys)

    def _build_site(self) -> None:
        downstream = self.settings.downstream
        means = Means(
            self.store,
            self.space,
            self.exchanges,
            self.attempts,
            Throttle(downstream.max_fill_bytes_per_s),
            self.fetch_threads,
            self.clock,
            self.emit,
        )
        self.verdicts = Verdicts(self.store, self.disk_threads, self.emit)
        self.deliveries = Deliveries(means, self.verdicts, downstream.max_fills)
        headers = self.settings.http.headers
        blobs = BlobHandler(
            self.admission,
            self.discovery.refresh_for_unknown_key,
            self.deliveries,
            self.clock,
            lambda: headers,
        )
        self.site = CacheSite(
            blobs, lambda: self.discovery.document, lambda: False, self.settings.http.prefix, headers, self.emit
        )

    async def _open_doors(self) -> None:
        loop = asyncio.get_running_loop()
        http = self.settings.http
        self.tls: ssl.SSLContext | None = None
        try:
            sockets = bind(http)
        except OSError as error:
            where = http.host if http.network == "unix" else f"{http.host}:{http.port}"
            raise ConfigurationRefused(
                (f"{self.settings.source}: http.addr: cannot listen on {where}: {error.strerror or error}",)
            ) from None
        self.listener = Listener(sockets, self.site, lambda: self.tls, self.emit)
        self.discovery.start()
        self.listener.start()
        for work in (self.sweeper.run, self.scrubber.run, self._watch_files):
            self._tasks.append(loop.create_task(work()))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        scheme = "https" if http.tls else "http"
        for sock in sockets:
            name = sock.getsockname()
            where = f"{scheme}://{_authority(name)}" if isinstance(name, tuple) else f"unix:{name}"
            self.emit(Lifecycle("listening", f"listening on {where}"))

    # -- while it runs ------------------------------------------------------------------------------------------------

    async def _watch_files(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AT_FILES_EVERY_S)
            self._look_at_files()

    def _look_at_files(self) -> None:
        reloaded = self.authorities.reload_if_changed()
        if reloaded is not None:
            self.exchanges.forget_idle()
            self.emit(reloaded)

    def reload(self) -> None:
        """SIGHUP: the configuration and every file it names, anew. What is wrong keeps the old state and is said."""
        try:
            settings = load(self.settings.source, os.environ)
        except ConfigurationRefused as refused:
            self.emit(Reloaded("configuration", "the old configuration stays: " + " | ".join(refused.mistakes)))
            return
        self._apply(settings)
        self._look_at_files()

    def _apply(self, settings: Settings) -> None:
        old = self.settings
        downstream = settings.downstream
        self.logs.use(settings.log)
        self.space.limits = _limits(downstream)
        self.space.may_delete = settings.storage.delete_enabled
        if downstream.upstreams != old.downstream.upstreams:
            self.attempts.turns = Turns(downstream.upstreams, self.clock)
        if downstream.cas != old.downstream.cas:
            self.authorities = Authorities(downstream.cas)
            self.exchanges.forget_idle()
        self.settings = settings
        waiting = [name for name, before, after in _needs_restart(old, settings) if before != after]
        problem = f"needs a restart to take effect: {', '.join(waiting)}" if waiting else ""
        self.emit(Reloaded("configuration", problem))

    async def run_until_stopped(self) -> None:
        await self._stop.wait()
        timeout_s = self.settings.http.drain_timeout_s
        self.emit(Lifecycle("draining", f"{self.listener.connections} connections may end within {timeout_s:.0f}s"))
        cut = await self.listener.drain(timeout_s)
        await self._end()
        self.emit(Lifecycle("stopped", f"{cut} transfers were cut" if cut else "every transfer ended"))
        self.logs.use_loop(None)
        self.logs.flush()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.deliveries.stop()
        await self.discovery.stop()
        self.exchanges.forget_idle()
        for pool in (self.fetch_threads, self.disk_threads, self.sweep_thread):
            pool.shutdown(wait=False, cancel_futures=True)


async def serve(settings: Settings) -> None:
    """Run a cache until SIGTERM or SIGINT. Raise ConfigurationRefused or StorageBroken if it cannot start."""
    cache = Cache(settings)
    try:
        await cache.start()
    except BaseException:
        cache.logs.use_loop(None)
        cache.logs.flush()
        raise
    await cache.run_until_stopped()


def _limits(downstream: Downstream) -> Limits:
    return Limits(
        downstream.blob_ttl_s,
        downstream.max_size_bytes,
        downstream.min_free_fraction,
        downstream.min_free_bytes,
    )


def _needs_restart(old: Settings, new: Settings) -> list[tuple[str, object, object]]:
    same_tls = replace(new.http, tls=old.http.tls)
    return [
        ("storage", old.storage.root, new.storage.root),
        ("http", old.http, same_tls),
        ("http.debug", old.debug, new.debug),
        ("clockskew", old.downstream.clock_skew_s, new.downstream.clock_skew_s),
        ("stalltimeout", old.downstream.stall_timeout_s, new.downstream.stall_timeout_s),
        ("maxfills", old.downstream.max_fills, new.downstream.max_fills),
    ]


def _authority(name: tuple[object, ...]) -> str:
    host = str(name[0])
    return f"[{host}]:{name[1]}" if ":" in host else f"{host}:{name[1]}"


def _raise_descriptor_limit() -> None:
    """Each transfer takes two descriptors: use all that we are allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            pass
