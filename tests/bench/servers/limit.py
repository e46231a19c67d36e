"""The physical limit, to know how far off everybody is: what the kernel does when nobody checks anything.

`start`: a bare sendfile loop over files that are open already (bare_sender.py). `fetch`: a bare loop of receive, write
and SHA-256, the least that a miss can cost (bare_fetcher.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ..processes import Process, free_port
from ..refused import Refused
from .place import Place, Running

_HERE = Path(__file__).parent


def start(place: Place) -> Running:
    port = free_port()
    command = [sys.executable, str(_HERE / "bare_sender.py"), str(port), str(place.root)]
    process = Process(command, place.folder / "log", place.on)
    process.wait_for(port)
    return Running("limit", process, port)


def fetch(url: str, target: str, into: Path, warm: str) -> dict[str, float]:
    """{"seconds", "server_cpu_s", "first_byte_s", "body_bytes"} of one download, after one of `warm`."""
    command = [sys.executable, str(_HERE / "bare_fetcher.py"), url.removeprefix("http://"), target, str(into), warm]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"the bare download failed: {done.stderr[-300:]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures
