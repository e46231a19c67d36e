"""A server process under measurement: start, wait until it listens, its CPU time and memory, stop.

CPU time is the kernel's own count for whole processes, ended threads included, in nanoseconds.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom

from .refused import Refused


class Process:
    """`pids`: the program and its children. Output goes to `log`; start-up failure quotes its end."""

    def __init__(self, command: Sequence[str], log: Path, on: frozenset[int]) -> None:
        self._log, self._program = log, command[0]
        listed = ",".join(str(number) for number in sorted(on))
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                ["taskset", "-c", listed, *command], stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )

    def wait_for(self, port: int, within_s: float = 60.0) -> None:
        deadline = time.monotonic() + within_s
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                pass
            if self._popen.poll() is not None or time.monotonic() > deadline:
                raise Refused(f"{self._program} does not listen on port {port}; it said:\n{self.last_words()}")
            time.sleep(0.002)

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]

    def said(self, words: str) -> list[str]:
        """The lines of its output that hold `words`."""
        return [line for line in self._log.read_text(errors="replace").splitlines() if words in line]

    def reload(self) -> None:
        os.kill(self._popen.pid, signal.SIGHUP)

    @property
    def pids(self) -> list[int]:
        return family(self._popen.pid)

    def cpu_s(self) -> float:
        return cpu_s(self.pids)

    def reset_peak_rss(self) -> None:
        for pid in self.pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")

    def peak_rss_mb(self) -> float:
        return sum(_status_kib(pid, "VmHWM") for pid in self.pids) * 1024 / 1e6

    def stop(self) -> None:
        self._popen.terminate()
        try:
            self._popen.wait(10)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def family(pid: int) -> list[int]:
    """`pid` and its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


def cpu_s(pids: Sequence[int]) -> float:
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | 2)  # the clock of another process: clock_getcpuclockid(3)
        except OSError:
            continue
    return total


def _status_kib(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


def free_port() -> int:
    """Below those that the kernel gives to connections: a client would take it before the server starts."""
    while True:
        port = SystemRandom().randrange(20_000, 32_000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


def is_root() -> bool:
    return os.geteuid() == 0
