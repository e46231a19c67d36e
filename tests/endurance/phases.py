"""What a cache is doing at a moment, still to be read when it was killed there: a byte a phase, in a file it maps.

Owns the phases, each a function of the program that is wrapped in the nursery's child. Rule for editors: a phase is
entered and left by the program itself, never guessed from the outside by the time.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dtr_content_cache.life import Life
from dtr_content_cache.retention.space import SpaceKeeper
from dtr_content_cache.retention.sweeper import Sweeper

_PHASES: dict[str, tuple[type, str]] = {
    "a scan": (Sweeper, "_look_at_all"),
    "an eviction": (SpaceKeeper, "evict"),
    "a reload": (Life, "reload"),
}


def watch(path: Path) -> None:
    """From now on, in this process: `phases_in(path)` tells."""
    path.write_bytes(bytes(len(_PHASES)))
    with path.open("r+b") as file:
        inside = mmap.mmap(file.fileno(), len(_PHASES))
    lock = threading.Lock()
    for number, (owner, name) in enumerate(_PHASES.values()):
        setattr(owner, name, _watched(getattr(owner, name), inside, number, lock))


def _watched(real: Callable[..., Any], inside: mmap.mmap, number: int, lock: threading.Lock) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with lock:
            inside[number] += 1
        try:
            return real(*args, **kwargs)
        finally:
            with lock:
                inside[number] -= 1

    return call


def phases_in(path: Path) -> list[str]:
    """The phases that the last life was in when it ended; none where it ended before it was watched."""
    inside = path.read_bytes() if path.exists() else b""
    return [phase for phase, threads in zip(_PHASES, inside, strict=False) if threads]
