"""The machine: what it is, and which processors servers and clients get.

One server process and the client never share a processor, so that neither slows the other. A server that uses many
(Distribution) gets all of them.
"""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Processors:
    """Sets of processor numbers for a single-process server, the client, and whoever may use everything."""

    server: frozenset[int]
    client: frozenset[int]
    every: frozenset[int]

    @classmethod
    def of(cls, available: set[int]) -> Processors:
        numbers = sorted(available)
        if len(numbers) < 2:
            return cls(frozenset(numbers), frozenset(numbers), frozenset(numbers))
        return cls(frozenset(numbers[:1]), frozenset(numbers[1:]), frozenset(numbers))


def processors() -> Processors:
    return Processors.of(os.sched_getaffinity(0))


def describe() -> dict[str, object]:
    return {
        "cpu": _cpu_model(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "python": platform.python_version(),
        "tornado": version("tornado"),
        "nginx": _first_line("nginx", "-v").rpartition("/")[2],
        "distribution": _first_line("docker-registry", "--version").split()[-1],
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.machine()


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return ((done.stdout or done.stderr).splitlines() or ["unknown"])[0]
