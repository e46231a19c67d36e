"""`python -m endurance.nursery`: has imported the whole cache once and forks one for each order: lives are cheap.

An order is a line of JSON, {"config": path, "log": path, "without": "", "fault": {}, "watched": "", "waits": false};
the answer is the process number.
A cache born here runs the same `main` as ever; only `without` cripples it (cripples.py), to prove that a campaign would
see that, `fault` makes a system call of it fail (failing.py), in the file `watched` it notes what it is doing
(phases.py), and a campaign can change what inside.py names. One that `waits` lets itself be watched from its first call
on: it goes on at SIGCONT.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from dtr_content_cache import __main__ as program
from dtr_content_cache import life, probe

from . import inside
from .cripples import CRIPPLES
from .failing import install
from .phases import watch

_WHOLE_PROGRAM = (program, life, probe)


def _live(order: dict[str, Any]) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    code = 1
    try:
        if order["waits"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        inside.install(Path(order["log"]))
        if order["without"]:
            CRIPPLES[order["without"]]()
        if order["fault"]:
            install(**order["fault"])
        if order["watched"]:
            watch(Path(order["watched"]))
        code = program.main([order["config"]])
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are not waited for
    print("ready", flush=True)
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            _live(json.loads(line))
        print(child, flush=True)


if __name__ == "__main__":
    main()
