"""A campaign changes a living cache's clock and patience, and takes both back."""

import json
import os
import signal
import time
from pathlib import Path

from dtr_content_cache.web import connection
from endurance import inside


def test_changes_are_made_when_told_and_taken_back(tmp_path: Path) -> None:
    log, usual = tmp_path / "log", connection.IDLE_TIMEOUT_S
    before = signal.getsignal(signal.SIGUSR1)
    inside.install(log)
    try:
        _tell(log, ahead_s=5000.0, patience_s=1.0)
        assert time.time() - _machine_s() > 4000
        assert (connection.IDLE_TIMEOUT_S, connection.STALLED_CLIENT_S) == (1.0, 1.0)
    finally:
        _tell(log, ahead_s=0.0, patience_s=None)
        signal.signal(signal.SIGUSR1, before)

    assert abs(time.time() - _machine_s()) < 1000
    assert usual == connection.IDLE_TIMEOUT_S > 1.0


def _tell(log: Path, **what: float | None) -> None:
    inside.change_path(log).write_text(json.dumps(what), encoding="ascii")
    os.kill(os.getpid(), signal.SIGUSR1)
    assert not inside.change_path(log).exists()


def _machine_s() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME)
