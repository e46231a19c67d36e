"""The field: the origin, and the servers of a run on their volumes. Starts them, and stops all of them at the end.

<work>/library    the blobs, served directly (ours, nginx, Distribution, the limit)
<work>/run/<n>-<server>   a server's own folder, with the volume it fills where it begins empty
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from dtr_simulator import certificates

from .blobs import Library
from .machine import Processors
from .servers import distribution, limit, nginx, ours
from .servers.nginx import Origin
from .servers.place import Certificate, Place, Running
from .targets import Signer

_MANY_PROCESSORS = ("distribution", "distribution-proxy")


class Field:
    def __init__(self, work: Path, processors: Processors) -> None:
        self.processors = processors
        self._run = work / "run"
        shutil.rmtree(self._run, ignore_errors=True)
        self._run.mkdir(parents=True)
        self._started = 0
        self._library_folder = work / "library"
        self.library = Library(self._library_folder)
        self.signer = Signer()
        self.certificate = self._certificate()
        self.origin = Origin(self.folder("origin"), self.library.root, self.signer.discovery, processors.every)

    def _certificate(self) -> Certificate:
        folder = self.folder("certificates")
        certificates.ensure_ca(folder)
        certificate, key = certificates.issue_server_certificate(folder, ["127.0.0.1"])
        return Certificate(folder / "ca.pem", certificate, key)

    def folder(self, name: str) -> Path:
        self._started += 1
        made = self._run / f"{self._started}-{name}"
        made.mkdir()
        return made

    def start(
        self, server: str, scheme: str = "http", *, root: Path | None = None, alone: bool = True, workers: int = 1,
        level: str = "warn", own_buffers: bool = False,
    ) -> Running:  # fmt: skip
        """`root` None: the library. `alone`: on a processor of its own, which a cold pull is not. `workers`: processes
        of a server that can have several. `level`: of our own log. `own_buffers`: nginx as it comes."""
        every = server in _MANY_PROCESSORS or not alone
        place = Place(
            self.folder(server),
            root or self.library.root,
            self.origin.url,
            self.processors.every if every else self.processors.server,
            self.certificate if scheme == "https" else None,
            workers,
            level,
        )
        return replace(_start(server, place, own_buffers), shares=bool(place.on & self.processors.client))

    @contextmanager
    def cold(self, server: str, scheme: str, *, own_buffers: bool = False) -> Iterator[Running]:
        """A caching server with nothing in it, on all processors; its volume goes with it."""
        root = self.folder("volume")
        running = self.start(server, scheme, root=root, alone=False, own_buffers=own_buffers)
        try:
            yield running
        finally:
            running.process.stop()
            shutil.rmtree(root, ignore_errors=True)

    def end(self) -> None:
        self.origin.running.process.stop()
        shutil.rmtree(self._run, ignore_errors=True)
        shutil.rmtree(self._library_folder, ignore_errors=True)


def _start(server: str, place: Place, own_buffers: bool) -> Running:
    if server == "ours":
        return ours.start(place)
    if server == "nginx":
        return nginx.start_static(place)
    if server == "nginx-proxy-cache":
        return nginx.start_proxy_cache(place, own_buffers=own_buffers)
    if server == "limit":
        return limit.start(place)
    return distribution.start(place, proxy=server == "distribution-proxy")
