"""Steps with a name: said when they begin, watched while they last, and known by name when one fails.

Owns: what the terminal shows besides the tables, and the logs of started programs. Does not own: what the steps do.
Rule: a person never looks at a silent screen, and a failure names the step and shows the end of its logs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_TASK = re.compile(r"^TASK \[(?:[a-z_.]+ : )?(.*?)\] \**$|^PLAY \[(.*?)\] \**$", re.MULTILINE)
_QUIET_S = 5.0


class StepFailed(Exception):
    """A step did not do what it should: `step`, why, and the logs (`files`) that tell more."""

    def __init__(self, step: str, reason: str, files: Sequence[Path] = ()) -> None:
        super().__init__(f"The demo failed at the step '{step}': {reason}")
        self.files = files

    def log_tails(self, lines: int = 15) -> str:
        """The ends of the logs, each under its path."""
        tails = []
        for path in self.files:
            if path.is_file():
                end = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
                tails.append(f"--- the end of {path}\n" + "\n".join(end))
        return "\n".join(tails)


def say(text: str = "") -> None:
    print(text, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say what begins; after it, how long it took. An unexpected failure inside gets the step's name."""
    say(f"• {name}")
    began = time.monotonic()
    try:
        yield
    except (StepFailed, KeyboardInterrupt):
        raise
    except Exception as error:
        raise StepFailed(name, f"{type(error).__name__}: {error}") from error
    say(f"    done in {time.monotonic() - began:.1f} s")


def run_watched(name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
    """Run a program to its end with its output in `log`, showing how far it is; raise StepFailed if it fails."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=dict(environment)
        )
    try:
        _watch(process, log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode != 0:
        raise StepFailed(name, f"{Path(command[0]).name} ended with {process.returncode}.", [log])


def _watch(process: subprocess.Popen[bytes], log: Path) -> None:
    began = said = time.monotonic()
    live = sys.stdout.isatty()
    while process.poll() is None:
        try:
            process.wait(0.25)
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        if live or now - said > _QUIET_S:
            said = now
            line = f"    {now - began:3.0f} s  {_current_task(log)}"
            print(f"\r{line:<78.78}" if live else line, end="" if live else "\n", flush=True)
    if live:
        print("\r" + " " * 78 + "\r", end="", flush=True)


def _current_task(log: Path) -> str:
    found = _TASK.findall(log.read_text(encoding="utf-8", errors="replace"))
    return next((part for part in found[-1] if part), "") if found else "starting"


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of started programs: nobody's Ansible settings but the demo's, no file outside `home`."""
    foreign = ("ANSIBLE_", "DTR_", "REGISTRY_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    bin_folder = str(Path(sys.executable).parent)
    (home / "ansible").mkdir(parents=True, exist_ok=True)
    (home / "ansible" / "ansible.cfg").touch()
    return inherited | {
        "PATH": bin_folder + os.pathsep + inherited.get("PATH", os.defpath),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ANSIBLE_CONFIG": str(home / "ansible" / "ansible.cfg"),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(home / "ansible" / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(home / "ansible" / "tmp"),
        "ANSIBLE_COLLECTIONS_PATH": str(Path(__file__).resolve().parents[2] / ".ansible" / "collections"),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
