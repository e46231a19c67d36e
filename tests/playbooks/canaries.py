"""Secrets where nobody may find one: in what a run said or recorded, and in the process list while it lasts.

Owns the searching. Does not own which secrets there are (offices_world.py). Rule: tokens and grants are known by their
shape, for which of them a run gets is known to nobody before."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_SIGNED = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}")  # the form of every token of DTR's and of every grant
_LOOKS_EVERY_S = 0.05


def shown(secrets: Sequence[str], text: str) -> list[str]:
    """The secrets in the text, and whatever has the form of a signed token."""
    return [secret for secret in secrets if secret in text] + _SIGNED.findall(text)


@contextmanager
def process_list_watched(home: Path, secrets: Sequence[str]) -> Iterator[set[str]]:
    """While the context lasts, the set grows by each command line with a secret of a process that works in `home`."""
    caught: set[str] = set()
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(str(home), secrets, caught, over), daemon=True)
    watcher.start()
    try:
        yield caught
    finally:
        over.set()
        watcher.join()


def _watch(home: str, secrets: Sequence[str], caught: set[str], over: threading.Event) -> None:
    while True:
        for pid in filter(str.isdigit, os.listdir("/proc")):
            line = _read(pid, "cmdline")
            if shown(secrets, line) and _is_ours(pid, line, home):
                caught.add(line)
        if over.wait(_LOOKS_EVERY_S):
            return


def _is_ours(pid: str, line: str, home: str) -> bool:
    """Others on this machine may know the same demo. What has ended since it was seen counts as ours."""
    around = _read(pid, "environ")
    return home in line or home in around or not around


def _read(pid: str, name: str) -> str:
    try:
        return Path("/proc", pid, name).read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""
