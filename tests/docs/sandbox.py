"""A folder in which a page's commands run for real, one after the other, as a reader would type them.

Owns: the shell, its variables from one block to the next, ports that are free here, and that nothing stays running.
Rule: a block runs as it stands but for its ports, because several of these may run on one machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from blocks import TOP, Block
from doubles.ports import free_port

SECONDS_LIMIT = 280
KEPT = ("LANG", "LC_ALL", "TERM", "TMPDIR", "PYTHONPATH")
PORTS = ("18443", "15000", "15001", "15002", "15003")


class Sandbox:
    """`home` is where the commands run. `said` is what the last ones said."""

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None) -> None:
        self.home, self.said = home, ""
        home.mkdir(parents=True, exist_ok=True)
        self._ports = {port: str(free_port()) for port in PORTS}
        self._mark = f"DOCS_SANDBOX={home}"
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self._environment = kept | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home / ".home"),
            "DOCS_SANDBOX": str(home),
            "ANSIBLE_COLLECTIONS_PATH": str(TOP / ".ansible/collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        } | dict(environment or {})
        (home / ".home").mkdir(exist_ok=True)

    def run(self, text: str) -> int:
        """The exit code; the output, errors included, is in `said`."""
        saved = self.home / ".variables"
        script = f"[ ! -e {saved} ] || . {saved}\n{self.here(text)}\nexport -p >{saved}\n"
        output = self.home / ".said"
        with output.open("wb") as said:
            # Into a file: what a block starts in the background would hold a pipe open.
            command = ["bash", "-euo", "pipefail", "-c", script]
            done = subprocess.run(command, cwd=self.home, env=self._environment, stdout=said, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, timeout=SECONDS_LIMIT, check=False)
        self.said = output.read_text(encoding="utf-8", errors="replace")
        return done.returncode

    def write(self, name: str, text: str) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.here(text), encoding="utf-8")

    def here(self, text: str) -> str:
        """`text` with ports that are free here."""
        for shown, free in self._ports.items():
            text = re.sub(rf"\b{shown}\b", free, text)
        return text

    def port(self, shown: str) -> int:
        return int(self._ports[shown])

    def try_block(self, block: Block) -> None:
        """Do what the block says, and fail as a test fails."""
        if block.kind == "file":
            self.write(block.argument, block.text)
        elif block.kind == "run":
            code, wanted = self.run(block.text), block.argument == "fails"
            expected = "a failure" if wanted else "0"
            assert (code != 0) == wanted, f"{block}: ended with {code}, wanted {expected}\n{self.said}"
        elif block.kind == "output":
            self.compare(block)

    def compare(self, block: Block) -> None:
        """Each line of the block was said, in this order; `…` stands for anything."""
        rest = self.said
        for line in filter(str.strip, self.here(block.text).splitlines()):
            pattern = ".*?".join(map(re.escape, line.strip().split("…")))
            found = re.search(pattern, rest)
            assert found, f"{block}: wanted '{line}' in what was said:\n{self.said}"
            rest = rest[found.end():]

    def close(self) -> None:
        """End what still runs of this sandbox, known by its mark in the environment."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            left = self._left()
            for pid in left:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            deadline = time.monotonic() + 10
            while left and self._left() and time.monotonic() < deadline:
                time.sleep(0.05)

    def _left(self) -> list[int]:
        return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit() and self._is_ours(one)]

    def _is_ours(self, process: Path) -> bool:
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            return False
        return self._mark.encode() in variables and int(process.name) != os.getpid()


