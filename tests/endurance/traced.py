"""A cache whose calls strace sees, from the first on, and makes fail: the real program before a kernel that says no.

Owns the tracer and what its account says. strace counts calls thread by thread: watched with its `others`, each thread
of a life meets the fault at its own Nth call. Rule for editors: what cannot be told from an account is not judged.
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from doubles.running_cache import eventually

from .lives import Cache

_ATTACHED_WITHIN_S = 10.0
_LINE = re.compile(r"(?:(\d+) +)?(?:<\.\.\. )?(\w+)(\(| resumed>)(.*)")
_SOCKET = re.compile(r"<(TCP|UNIX)")
_INJECTED, _UNFINISHED = "(INJECTED)", "<unfinished ...>"


@dataclass(frozen=True, slots=True)
class Call:
    """`thread`: 0 where only one was watched. `on`: what its first socket is, as strace names it: "TCP", "UNIX"; empty
    where it has none, and where epoll is not asked to watch one more: only that takes memory."""

    thread: int
    name: str
    on: str
    failed: bool


class TracedCache(Cache):
    """`calls`: whose account is given, commas between. `injected`: what strace shall do to them, empty: nothing."""

    calls = ""
    injected = ""
    others = True  # than the loop's thread
    _watcher: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._no_watcher()
        if not self.calls:
            super().start()
            return
        self.renew_port()
        self.account.unlink(missing_ok=True)
        self.process = self._nursery.bear(self.config_path, self.log, self.without, {}, waits=True)
        eventually(lambda: self._state() == "T")
        command = ["strace", "-yy", "-e", f"trace={self.calls}", "-o", str(self.account), "-p", str(self.process)]
        command += ["-f"] if self.others else []
        command += ["-e", f"inject={self.injected}"] if self.injected else []
        self._watcher = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._watcher.stderr is not None
        if "attached" not in (said := self._watcher.stderr.readline()):
            raise RuntimeError(f"strace could not attach: {said}")
        self.signal(signal.SIGCONT)

    @property
    def account(self) -> Path:
        return self.log.with_suffix(".calls")

    def _state(self) -> str:
        stat = Path(f"/proc/{self.process}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0]

    def seen(self) -> list[Call]:
        """In the life that began last, so far."""
        if not self.account.exists():
            return []
        return list(read_account(self.account.read_text(encoding="utf-8", errors="replace").splitlines()))

    def kill(self) -> None:
        super().kill()
        self._no_watcher()

    def _no_watcher(self) -> None:
        if self._watcher is not None:
            if self._watcher.poll() is None and not self.alive():
                self._watcher.wait(10)
            self._watcher.send_signal(signal.SIGINT)
            self._watcher.wait(10)
            assert self._watcher.stderr is not None
            self._watcher.stderr.close()
            self._watcher = None


def read_account(lines: Iterable[str]) -> Iterator[Call]:
    """Pure. A call that strace tells in two lines, because another thread made one meanwhile, is one call, told when
    it ends; one that never ended is none."""
    begun: dict[str, str] = {}
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue  # a signal, an exit
        thread, name, how, rest = match.groups(default="")
        if rest.endswith(_UNFINISHED):
            begun[thread] = rest
            continue
        first = begun.pop(thread, "") if how != "(" else rest
        yield Call(int(thread or 0), name, _kind(name, first), rest.endswith(_INJECTED))


def _kind(name: str, arguments: str) -> str:
    if name == "epoll_ctl" and "EPOLL_CTL_ADD" not in arguments:
        return ""
    match = _SOCKET.search(arguments.partition('"')[0])  # not in what was sent
    return match[1] if match else ""


def busiest(calls: Iterable[Call], loop: int) -> dict[str, tuple[int, int]]:
    """By name: how many the thread `loop` made, and how many the busiest of the others. Pure."""
    by_thread: dict[str, Counter[int]] = {}
    for call in calls:
        by_thread.setdefault(call.name, Counter())[call.thread] += 1
    return {
        name: (counted[loop], max((number for thread, number in counted.items() if thread != loop), default=0))
        for name, counted in by_thread.items()
    }
