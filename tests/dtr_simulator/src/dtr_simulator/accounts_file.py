"""The accounts file on disk, re-read when it changes.

Owns: noticing a change and keeping the last good content. Does not own: what the content means (accounts.py).
Rule: a bad new file never takes rights away or gives them; the old content stays and the mistakes are said.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import yaml

from .accounts import Accounts, read_accounts
from .refusals import Refused


def load_accounts(path: Path) -> Accounts:
    """Raise Refused when the file cannot be read, is not YAML or has mistakes."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused([f"{path}: cannot be read ({error.strerror}), wanted the accounts file"]) from None
    except UnicodeDecodeError:
        raise Refused([f"{path}: found bytes that are not UTF-8, wanted YAML text"]) from None
    except yaml.YAMLError as error:
        # The parser's own text quotes the line, which may hold a password.
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise Refused([f"{path}: not YAML{line}, wanted a mapping with accounts and repositories"]) from None
    return read_accounts(document, str(path))


def _version(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


class AccountsFile:
    """`current()` is always the latest good content; a change is seen at the next call."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path, self._say = path, say
        self._version = _version(path)
        self._accounts = load_accounts(path)

    def current(self) -> Accounts:
        version = _version(self._path)
        if version != self._version:
            self._version = version
            self.reload()
        return self._accounts

    def reload(self) -> None:
        try:
            self._accounts = load_accounts(self._path)
        except Refused as refused:
            for mistake in refused.mistakes:
                self._say(f"accounts unchanged: {mistake}")
