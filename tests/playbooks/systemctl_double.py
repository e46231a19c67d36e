#!/usr/bin/env python3
"""The user's systemd, as far as the role asks for it: units are started, stopped and remembered as enabled below $HOME.

Owns: processes and enabled names. Rule: a unit is read from its file as systemd reads it, and nothing is started
again by itself: one that died counts as started anew."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

HOME = Path.home()
UNITS = HOME / ".config/systemd/user"
STATE = HOME / ".systemctl-double"


def main(words: list[str]) -> int:
    STATE.mkdir(exist_ok=True)
    asked, *names = [word for word in words if not word.startswith("-")]
    name = names[0].removesuffix(".service") if names else ""
    if asked == "daemon-reload":
        return 0
    if asked == "show" and "--value" in words:
        print(0 if _alive(name) else 1)
        return 0
    if asked == "show":
        print(f"LoadState={'loaded' if _unit(name).exists() else 'not-found'}\nId={name}.service")
        print(f"ActiveState={'active' if _alive(name) else 'inactive'}\nFragmentPath={_unit(name)}")
        return 0
    if asked == "is-active":
        return 0 if _alive(name) else 3
    if asked == "is-enabled":
        enabled = (STATE / f"{name}.enabled").exists()
        print("enabled" if enabled else "disabled")
        return 0 if enabled else 1
    if asked == "enable":
        (STATE / f"{name}.enabled").touch()
    elif asked == "disable":
        (STATE / f"{name}.enabled").unlink(missing_ok=True)
    elif asked == "reload":
        os.kill(_pid(name), signal.SIGHUP)
    if asked in ("stop", "restart"):
        _stop(name)
    if asked in ("start", "restart"):
        _start(name)
    return 0


def _unit(name: str) -> Path:
    return UNITS / f"{name}.service"


def _pid(name: str) -> int:
    path = STATE / f"{name}.pid"
    return int(path.read_text()) if path.exists() else 0


def _alive(name: str) -> bool:
    """A process that ended and was not waited for has no command line any more."""
    try:
        return _pid(name) > 0 and Path(f"/proc/{_pid(name)}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False


def _start(name: str) -> None:
    if _alive(name):
        return
    pairs = [line.split("=", 1) for line in _unit(name).read_text().splitlines() if "=" in line]
    command = next(value for key, value in pairs if key == "ExecStart")
    added = [shlex.split(value)[0].split("=", 1) for key, value in pairs if key == "Environment"]
    with (STATE / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(shlex.split(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True, env=os.environ | dict(added))
    (STATE / f"{name}.pid").write_text(str(process.pid))


def _stop(name: str) -> None:
    if _alive(name):
        os.kill(_pid(name), signal.SIGTERM)
    while _alive(name):
        time.sleep(0.05)
    (STATE / f"{name}.pid").unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
