"""Did a file change since the last look?

Compares contents, not times: a mounted secret is swapped by symbolic link and may keep its times. Rule for editors: a
file that cannot be read is a state like any other, so that its going and its coming back are both noticed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

FILE_LIMIT_BYTES = 4 * 1024 * 1024


class WatchedFiles:
    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._paths = paths
        self._seen = self._contents()

    def changed(self) -> bool:
        """True once for each change."""
        before, self._seen = self._seen, self._contents()
        return before != self._seen

    def _contents(self) -> tuple[bytes, ...]:
        return tuple(_content_hash(path) for path in self._paths)


def _content_hash(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(FILE_LIMIT_BYTES)).digest()
    except OSError as error:
        return (error.strerror or "unreadable").encode()
