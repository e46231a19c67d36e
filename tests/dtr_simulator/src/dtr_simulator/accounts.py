"""Who exists and who may do what: the accounts file as values.

Owns: accounts, repositories, rights, and reading them out of parsed YAML. Pure: no file is touched here.
Does not own: re-reading the file (accounts_file.py), content caches and access tokens (registrations.py).
Rule: reading collects every mistake before it gives up, and no message shows a password.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import names
from .refusals import Refused

READ = frozenset({"pull"})
WRITE = frozenset({"pull", "push", "delete"})


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    password: str = field(repr=False)
    admin: bool = False
    active: bool = True

    def has_password(self, password: str) -> bool:
        return hmac.compare_digest(self.password.encode(), password.encode())


@dataclass(frozen=True, slots=True)
class Repository:
    name: str  # organisation/name
    readers: frozenset[str] = frozenset()
    writers: frozenset[str] = frozenset()
    public: bool = False


@dataclass(frozen=True, slots=True)
class Accounts:
    accounts: Mapping[str, Account]
    repositories: Mapping[str, Repository]

    def active(self, name: str) -> Account | None:
        account = self.accounts.get(name)
        return account if account and account.active else None

    def organizations(self) -> list[str]:
        """The namespaces that are not an account's own, sorted."""
        return sorted({name.split("/")[0] for name in self.repositories} - set(self.accounts))

    def rights(self, account: Account | None, repository: str) -> frozenset[str]:
        """The actions (`pull`, `push`, `delete`) of an account, None for anonymous, on a repository.

        A repository that the file does not name belongs to the admins.
        """
        if account and account.admin:
            return WRITE
        found = self.repositories.get(repository)
        if found is None:
            return frozenset()
        if account and account.name in found.writers:
            return WRITE
        if found.public or (account and account.name in found.readers):
            return READ
        return frozenset()


def _kind(value: Any) -> str:
    names_of_types = {bool: "true/false", int: "a number", float: "a number", str: "a text", list: "a list",
                      dict: "a mapping", type(None): "nothing"}
    return names_of_types.get(type(value), f"a {type(value).__name__}")


class _Entry:
    """One mapping of the file, read key by key; every mistake goes to `complain`."""

    def __init__(self, where: str, value: Any, known: tuple[str, ...], complain: Callable[[str], None]) -> None:
        self.where, self.complain = where, complain
        self.values: dict[str, Any] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            complain(f"{where}: found {_kind(value)}, wanted a mapping with {', '.join(known)}")
            # One sentence says it; what its keys lack is no further mistake.
            self.complain = lambda sentence: None
        for key in self.values:
            if key not in known:
                complain(f"{where}.{key}: unknown key, wanted one of {', '.join(known)}")

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if isinstance(value, str) and value:
            return value
        found = "an empty text" if value == "" else _kind(value)
        self.complain(f"{self.where}.{key}: found {found}, wanted a text (in quotes if it looks like a number)")
        return ""

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.get(key, default)
        if isinstance(value, bool):
            return value
        self.complain(f"{self.where}.{key}: found {_kind(value)}, wanted true or false")
        return default

    def account_names(self, key: str, existing: Mapping[str, Account]) -> frozenset[str]:
        value = self.values.get(key) or []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.complain(f"{self.where}.{key}: found {_kind(value)}, wanted a list of account names")
            return frozenset()
        for one in value:
            if one not in existing:
                self.complain(f"{self.where}.{key}: found {one!r}, wanted an account of this file")
        return frozenset(value)


def read_accounts(document: Any, source: str) -> Accounts:
    """The accounts file, parsed from YAML, as values. Raise Refused with every mistake; `source` begins each line."""
    mistakes: list[str] = []
    top = _Entry(source, document, ("accounts", "repositories"), mistakes.append)
    accounts: dict[str, Account] = {}
    for where, value in _list_of(top, "accounts", required=True):
        account = _read_account(_Entry(where, value, ("name", "password", "admin", "active"), mistakes.append))
        if account.name in accounts:
            mistakes.append(f"{where}.name: found {account.name!r} a second time, wanted each account once")
        accounts[account.name] = account
    repositories: dict[str, Repository] = {}
    for where, value in _list_of(top, "repositories", required=False):
        entry = _Entry(where, value, ("name", "readers", "writers", "public"), mistakes.append)
        repository = _read_repository(entry, accounts)
        if repository.name in repositories:
            mistakes.append(f"{where}.name: found {repository.name!r} a second time, wanted each repository once")
        repositories[repository.name] = repository
    if mistakes:
        raise Refused(mistakes)
    return Accounts(accounts, repositories)


def _list_of(top: _Entry, key: str, required: bool) -> list[tuple[str, Any]]:
    value = top.values.get(key)
    if value is None and not required:
        return []
    if not isinstance(value, list) or (required and not value):
        top.complain(f"{top.where}: {key}: found {_kind(value)}, wanted a list with at least one entry")
        return []
    return [(f"{top.where}: {key}[{number}]", one) for number, one in enumerate(value)]


def _read_account(entry: _Entry) -> Account:
    name = entry.text("name")
    if name and not names.is_account(name):
        entry.complain(f"{entry.where}.name: found {name!r}, wanted letters, digits, '.', '_', '-' (100 at most)")
    return Account(name, entry.text("password"), entry.flag("admin", False), entry.flag("active", True))


def _read_repository(entry: _Entry, accounts: Mapping[str, Account]) -> Repository:
    name = entry.text("name")
    if name and not names.is_dtr_repository(name):
        entry.complain(f"{entry.where}.name: found {name!r}, wanted organisation/name in lower case")
    readers, writers = entry.account_names("readers", accounts), entry.account_names("writers", accounts)
    return Repository(name, readers, writers, entry.flag("public", False))
