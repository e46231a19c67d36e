"""The simulator as a process of its own, for running.py.

Owns: starting it, what it printed, waiting for a line, ending it. Does not own: its arguments and files.
Rule: its output is read to the end all the time, or a full pipe would stop it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10


class SimulatorProcess:
    """Runs from construction to `stop`; `output` are the lines so far, of standard output and error together."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.output: list[str] = []
        self._news = threading.Condition()
        self._over = False
        self._process = subprocess.Popen([sys.executable, "-m", "dtr_simulator", *arguments], text=True, bufsize=1,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.output.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def wait_for(self, wanted: Callable[[str], bool], after: int = 0, timeout_s: float = START_TIMEOUT_S) -> str:
        """The first line from number `after` on that is wanted. Raise RuntimeError if it ends or waits in vain."""
        def found() -> str | None:
            return next((line for line in self.output[after:] if wanted(line)), None)

        with self._news:
            self._news.wait_for(lambda: found() is not None or self._over, timeout_s)
            line = found()
        if line is None:
            raise RuntimeError("the DTR simulator did not say what was expected of it:\n" + "\n".join(self.output))
        return line

    def hang_up(self) -> None:
        """SIGHUP, and wait until it says that it has read its files again."""
        said = len(self.output)
        self._process.send_signal(signal.SIGHUP)
        self.wait_for(lambda line: line.endswith("read again"), said)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> int:
        """SIGTERM, then SIGKILL if that does not help; returns the exit code."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        code = self._process.wait()
        self._reader.join(STOP_TIMEOUT_S)
        return code
