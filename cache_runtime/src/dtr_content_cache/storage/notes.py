"""Small notes on the volume, by folder and name: each whole or not at all, and gone for good once it was removed.

Owns how notes are written, read back, removed and swept, and the secret that their names are made with; what they say
is the caller's. Several processes may share the volume. Rule for editors: losing a note may cost an answer, a note that
comes back after its removal would give one away; so only removals are synced.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable

from ..values.failures import StorageBroken
from .files import Files
from .layout import Layout, beside
from .placing import make_folder
from .unfinished import translated, write_all

SECRET_BYTES = 32
_NOTE_LIMIT_BYTES = 16 * 1024


class Notes:
    """`folder` and `name` are hexadecimal digits: what callers made of everything that came from outside."""

    def __init__(self, files: Files, layout: Layout) -> None:
        self._files = files
        self._root, self._secret_path = layout.notes, layout.notes_secret

    def secret(self) -> bytes:
        """The volume's own secret, made at the first question. Raise StorageBroken or NoSpace."""
        kept = self._read(self._secret_path)
        if kept is None or len(kept) != SECRET_BYTES:
            self._write(self._secret_path, secrets.token_bytes(SECRET_BYTES))
            kept = self._read(self._secret_path)  # another process may have been last
        if kept is None:
            raise StorageBroken("remembering: the secret of the notes is not there after it was written")
        return kept

    def read(self, folder: str, name: str) -> bytes | None:
        return self._read(f"{self._root}/{folder}/{name}")

    def write(self, folder: str, name: str, content: bytes) -> None:
        """Raise StorageBroken or NoSpace."""
        try:
            for path in (self._root, f"{self._root}/{folder}"):
                if not self._files.is_folder(path):
                    make_folder(self._files, path)
        except OSError as error:
            raise translated("remembering", error) from error
        self._write(f"{self._root}/{folder}/{name}", content)

    def remove(self, folder: str, name: str | None = None) -> None:
        """One note, or all of the folder; it does not come back after a power cut. Raise StorageBroken."""
        path = f"{self._root}/{folder}"
        try:
            names = [entry.name for entry in self._files.scandir(path)] if name is None else [name]
            for one in names:
                self._files.unlink(f"{path}/{one}")
            self._sync(path)
        except FileNotFoundError:
            pass  # there was none
        except OSError as error:
            raise translated("remembering", error) from error

    def sweep(self, older_than_s: float, limit: int) -> int:
        """Remove the notes written before `older_than_s` (seconds since the epoch), and the oldest of those beyond
        `limit`. Returns how many. Never raises: what resists is found again by the next sweep."""
        found = sorted(self._all())
        leaving = [path for modified_s, path in found if modified_s < older_than_s]
        leaving += [path for _, path in found[len(leaving) : max(len(leaving), len(found) - limit)]]
        for path in leaving:
            self._without_failing(self._files.unlink, path)
        for folder in self._folders():
            self._without_failing(self._files.rmdir, folder)  # only empty ones let themselves be removed
        return len(leaving)

    def _folders(self) -> list[str]:
        try:
            return [entry.path for entry in self._files.scandir(self._root)]
        except OSError:
            return []

    def _all(self) -> list[tuple[float, str]]:
        found = []
        for folder in self._folders():
            try:
                paths = [entry.path for entry in self._files.scandir(folder)]
                found += [(self._files.lstat(path).st_mtime, path) for path in paths]
            except OSError:
                pass
        return found

    def _without_failing(self, work: Callable[[str], None], path: str) -> None:
        try:
            work(path)
        except OSError:
            pass

    def _read(self, path: str) -> bytes | None:
        try:
            fd = self._files.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            return self._files.pread(fd, _NOTE_LIMIT_BYTES, 0)
        except OSError:
            return None
        finally:
            self._files.close(fd)

    def _write(self, path: str, content: bytes) -> None:
        new = beside(path)
        try:
            fd = self._files.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                write_all(self._files, fd, memoryview(content), 0)
            finally:
                self._files.close(fd)
            self._files.rename(new, path)
        except OSError as error:
            self._without_failing(self._files.unlink, new)
            raise translated("remembering", error) from error

    def _sync(self, folder: str) -> None:
        fd = self._files.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._files.fsync(fd)
        finally:
            self._files.close(fd)
