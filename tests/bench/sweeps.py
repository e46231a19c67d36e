"""Sweeps of ours, begun and awaited from outside: a reload hurries one, and its log (level debug) tells its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .figures import Sample, sample
from .processes import Process
from .refused import Refused

_TOLD = "volume swept"
_LOOK_EVERY_S = 0.005
_WITHIN_S = 900.0


class Sweeps:
    def __init__(self, process: Process) -> None:
        self._process = process

    def the_starts_own(self) -> None:
        """Wait for the end of the sweep that every start begins with."""
        self._wait_for(1)

    def alone(self) -> Sample:
        """What one costs while nobody asks for anything."""
        count, cpu_before, start = self._count(), self._process.cpu_s(), time.perf_counter()
        self._process.reload()
        self._wait_for(count + 1)
        return {"sweep_s": time.perf_counter() - start, "sweep_cpu_s": self._process.cpu_s() - cpu_before}

    def meanwhile(self, ask: Callable[[], dict[str, Any]]) -> Sample:
        """The latency of hits during one; nothing where it ended before they did. It is not awaited."""
        count = self._count()
        self._process.reload()
        found = sample(ask())
        if self._count() > count:
            return {}
        return {f"sweep_{name}": found[name] for name in ("p50_ms", "p99_ms") if name in found}

    def _count(self) -> int:
        return len(self._process.said(_TOLD))

    def _wait_for(self, count: int) -> None:
        deadline = time.monotonic() + _WITHIN_S
        while self._count() < count:
            if time.monotonic() > deadline:
                said = self._process.last_words()
                raise Refused(f"found no end of a sweep in {_WITHIN_S:.0f}s; the cache said:\n{said}")
            time.sleep(_LOOK_EVERY_S)
