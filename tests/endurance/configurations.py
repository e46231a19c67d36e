"""Any bytes as a configuration file: settings, or mistakes in clean single lines that name the file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from dtr_content_cache.settings import load
from dtr_content_cache.values.failures import ConfigurationRefused

_EXAMPLE = Path(__file__).parents[2] / "cache_runtime/config-example.yml"
_MEMORY = Path("/dev/shm")
_LINE_LIMIT_CHARACTERS = 1500
CONFIGURATIONS = (_EXAMPLE.read_bytes(), _EXAMPLE.read_bytes().replace(b"# ", b""))


class DirtyLine(Exception):
    """A line for the operator that is none."""


def read_configuration(data: bytes) -> None:
    """Raise DirtyLine where a mistake is told in anything but a line of print that begins with the file's name."""
    with tempfile.NamedTemporaryFile(dir=_MEMORY if _MEMORY.is_dir() else None, suffix=".yml") as file:
        file.write(data)
        file.flush()
        try:
            lines = load(Path(file.name), {}).warnings
        except ConfigurationRefused as refused:
            lines = refused.mistakes
            if not lines:
                raise DirtyLine("refused without a word") from None
        for line in lines:
            clean = line.isprintable() and line.startswith(file.name) and len(line) < _LINE_LIMIT_CHARACTERS
            if not clean:
                raise DirtyLine(f"not a line: {line[:80]!r}")
