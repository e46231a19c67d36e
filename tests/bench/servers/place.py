"""What a server needs to be started: where its files go, who is its upstream, whom it may show as itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..processes import Process


@dataclass(frozen=True, slots=True)
class Certificate:
    """Paths of PEM files."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Place:
    """`folder` is the server's own; `root` the volume of blobs it serves or fills; `upstream` a URL; `on` processors.

    `certificate` None: plain HTTP. `workers`: processes, where a server can have several. `level`: of our own log.
    """

    folder: Path
    root: Path
    upstream: str
    on: frozenset[int]
    certificate: Certificate | None = None
    workers: int = 1
    level: str = "warn"


@dataclass(frozen=True, slots=True)
class Running:
    """`shares`: the client's processors are this server's, too."""

    name: str
    process: Process
    port: int
    shares: bool = False
