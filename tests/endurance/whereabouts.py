"""Where and when a run was made: the day and the machine in a line, and the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def commit_of(checkout: Path) -> str:
    """`checkout` need not be a Git one: then the commit is said to be unknown."""
    asked = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def where_and_when(checkout: Path, base: str) -> tuple[str, str]:
    """(the line, the commit)."""
    memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 30} GiB"
    kernel = ".".join(platform.release().split(".")[:2])
    machine = f"{os.cpu_count()} processors{memory}, {platform.system()} {kernel}"
    day = datetime.now(UTC).date().isoformat()
    return f"{day}, base seed `{base}`, {machine}, Python {platform.python_version()}", commit_of(checkout)
