"""The life of a cache: start, reload while it runs, drain, end.

Rule for editors: nothing listens before everything that can be refused has been looked at; a reload that fails leaves
the old state whole and says so.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import traceback
from collections.abc import Callable
from typing import Any

from tornado.netutil import bind_sockets

from . import __version__
from .assembly import Parts, limits_of
from .observation.library_logs import LibraryLogs
from .observation.metrics import CONTENT_TYPE
from .reloading import in_use, waits_for_a_start
from .settings import load
from .settings.model import Settings
from .standing import Standing
from .storage.main_memory import remove_folder
from .upstream.trust import Authorities
from .upstream.watched_files import WatchedFiles
from .values.events import Fault, Lifecycle, Reloaded
from .values.failures import ConfigurationRefused
from .web.debug import DebugServer, debug_application
from .web.listener import Listener, bind
from .web.tls import ServerCertificate

_LOOK_AT_FILES_EVERY_S = 10.0
_LAST_TRACES_S = 3.0


class Life:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._debug: DebugServer | None = None
        self._source = WatchedFiles((parts.settings.source,))

    async def start(self) -> None:
        """Raise ConfigurationRefused or StorageBroken before anything listens."""
        parts, loop = self._parts, asyncio.get_running_loop()
        # Before anything else: a signal that comes while we start is heard once we have started.
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        parts.logs.use_loop(loop)
        logging.getLogger().addHandler(LibraryLogs(parts.logs.say, loop))
        parts.emit(Lifecycle("starting", f"dtr-content-cache {__version__} with {parts.settings.source}"))
        for warning in parts.settings.warnings:
            parts.logs.say("warn", warning)
        _raise_descriptor_limit()
        parts.build()
        asked = [hop for side in parts.sides for hop in side.registry.upstreams]
        for sentence in parts.proxies.sentences(tuple(dict.fromkeys(asked))):
            parts.logs.say("info", sentence)
        self._open_doors()
        if parts.settings.downstream.authorization == "grant":
            parts.discovery.start()
        parts.health.start()
        for work in (parts.sweeper.run, parts.scrubber.run, self._watch_files):
            self._tasks.add(loop.create_task(work()))

    def _open_doors(self) -> None:
        parts, http, debug = self._parts, self._parts.settings.http, self._parts.settings.debug
        try:
            key, where = "http.addr", http.host if http.network == "unix" else f"{http.host}:{http.port}"
            sockets = bind(http)
            if debug is not None:
                key, where = "http.debug.addr", f"{debug.host}:{debug.port}"
                debug_sockets = bind_sockets(debug.port, debug.host or None)
        except OSError as error:
            mistake = f"{parts.settings.source}: {key}: cannot listen on {where}: {error.strerror or error}"
            raise ConfigurationRefused((mistake,)) from None
        self._listener = Listener(sockets, parts.site, parts.server_context, parts.emit)
        self._listener.start()
        if debug is not None:
            self._standing = Standing(parts)
            self._standing.start()
            self._debug = DebugServer(
                debug_application(
                    parts.health.failures,
                    parts.health.ready,
                    parts.health.fresh,
                    parts.metrics.render,
                    debug.metrics_path,
                    CONTENT_TYPE,
                    self._standing.status.told,
                ),
                parts.emit,
            )
            self._debug.add_sockets(debug_sockets)
            parts.emit(Lifecycle("listening", f"health, metrics and a status page on http://{_authority(debug_sockets[0])}"))
        scheme = "https" if http.tls else "http"
        for sock in sockets:
            place = sock.getsockname() if http.network == "unix" else f"{scheme}://{_authority(sock)}"
            parts.emit(Lifecycle("listening", f"listening on {place}"))

    # -- while it runs ------------------------------------------------------------------------------------------------

    async def _watch_files(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AT_FILES_EVERY_S)
            try:
                if self._source.changed():
                    self.reload()
                else:
                    self._look_at_files()
            except Exception:
                # A bug of ours must not end the watching: certificates would then run out under our eyes.
                self._parts.emit(Fault("watched files", traceback.format_exc()))

    def _look_at_files(self) -> None:
        parts = self._parts
        for side in parts.sides:
            if (reloaded := side.reload_authorities()) is not None:
                parts.emit(reloaded)
                self._ask_for_keys("the authorities changed, and no upstream has been asked since")
        if parts.certificate is not None and (renewed := parts.certificate.reload_if_changed()) is not None:
            parts.emit(renewed)

    def reload(self) -> None:
        """SIGHUP, or the file has changed: the configuration and every file it names, anew."""
        parts = self._parts
        self._source.changed()  # what is read now is no change any more at the next look
        self._look_at_files()
        try:
            read = load(parts.settings.source, os.environ)
            settings = in_use(parts.settings, read)
            authorities = Authorities(settings.downstream.cas)
            certificate = self._certificate_for(settings)
        except ConfigurationRefused as refused:
            problem = "the old configuration stays in use: " + " | ".join(refused.mistakes)
            parts.emit(Reloaded("configuration", problem))
            return
        parts.certificate = certificate
        self._apply(settings, authorities)
        waiting = waits_for_a_start(settings, read)
        problem = f"these changes take effect at the next start: {', '.join(waiting)}" if waiting else ""
        parts.emit(Reloaded("configuration", problem))

    def _certificate_for(self, settings: Settings) -> ServerCertificate | None:
        """What the next client sees under `settings`. TLS as such comes and goes only with the listener: at a start."""
        current, tls = self._parts.certificate, settings.http.tls
        if current is None or tls is None or tls == current.tls:
            return current
        return ServerCertificate(tls)

    def _apply(self, settings: Settings, authorities: Authorities) -> None:
        parts, old, downstream = self._parts, self._parts.settings, settings.downstream
        parts.logs.use(settings.log)
        parts.space.limits = limits_of(downstream)
        parts.space.may_delete = settings.storage.delete_enabled
        parts.sweeper.hurry()
        parts.throttle.limit(downstream.max_fill_bytes_per_s)
        for side in parts.sides:
            if downstream.upstreams and not side.registry.name:  # what a named one has waits for the next start
                side.take_up(downstream.unnamed, authorities)
        for warning in settings.warnings:
            if warning not in old.warnings:
                parts.logs.say("warn", warning)
        parts.settings = settings
        if (downstream.upstreams, downstream.cas) != (old.downstream.upstreams, old.downstream.cas):
            # The keys of another upstream must not stay good until the schedule's next turn, nor beyond this question.
            self._ask_for_keys("the configuration changed, and no upstream has been asked since")

    def _ask_for_keys(self, reason: str) -> None:
        if self._parts.settings.downstream.authorization == "grant":
            self._parts.discovery.ask_anew(reason)

    async def until_stopped(self) -> None:
        """Serve until SIGTERM or SIGINT, then let transfers end."""
        await self._stop.wait()
        parts = self._parts
        timeout_s = parts.settings.http.drain_timeout_s
        connections = self._listener.connections
        parts.emit(Lifecycle("draining", f"open connections: {connections}; transfers may end within {timeout_s:.0f}s"))
        cut = await self._listener.drain(timeout_s)
        await self._end()
        parts.emit(Lifecycle("stopped", f"connections cut: {cut}" if cut else "every transfer ended"))
        parts.logs.use_loop(None)
        parts.logs.flush()

    async def _end(self) -> None:
        parts = self._parts
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(side.deliveries.stop() for side in parts.sides))
        await parts.discovery.stop()
        await parts.health.stop()
        if self._debug is not None:
            self._debug.stop()
            await self._debug.close_all_connections()
            await self._standing.stop()
        for side in parts.sides:
            side.exchanges.forget_idle()
        if parts.traces is not None:
            await _within(_LAST_TRACES_S, parts.traces.close)
        if parts.memory_root is not None:
            await asyncio.to_thread(remove_folder, parts.memory_root)
        asking = [side.questions for side in parts.sides]
        for pool in (parts.fetch_threads, parts.note_threads, parts.disk_threads, parts.sweep_threads, *asking):
            pool.shutdown(wait=False, cancel_futures=True)


async def serve(settings: Settings) -> None:
    """Run a cache until SIGTERM or SIGINT. Raise ConfigurationRefused or StorageBroken if it cannot start."""
    parts = Parts(settings)
    life = Life(parts)
    try:
        await life.start()
    except BaseException:
        parts.logs.use_loop(None)
        parts.logs.flush()
        raise
    await life.until_stopped()


async def _within(seconds: float, work: Callable[[], None]) -> None:
    """Let `work` have its time in a thread; what is not done by then nobody waits for."""
    try:
        async with asyncio.timeout(seconds):
            await asyncio.to_thread(work)
    except TimeoutError:
        pass


def _authority(sock: object) -> str:
    host, port = sock.getsockname()[:2]  # type: ignore[attr-defined]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _raise_descriptor_limit() -> None:
    """Each transfer takes two descriptors: use all that we are allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            pass
