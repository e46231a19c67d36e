"""What the API changes: content caches, account settings, access tokens, DTR's own settings.

Owns: these values and their file `registrations.json`; a restart finds them again.
Does not own: who may change them and which answer a change gets (handlers).
Rule: every change is on disk before it is answered; access tokens are kept as hashes only.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .refusals import Refused


@dataclass
class ContentCache:
    id: str
    name: str
    host: str  # a URL: scheme, host, port


@dataclass
class AccessToken:
    hashed: str  # SHA-256 of the token, in hex; also its id
    account: str
    label: str
    created_at: str  # RFC 3339
    generated_by: str
    creator_agent: str
    active: bool = True
    last_used: str = "0001-01-01T00:00:00Z"


@dataclass
class _Content:
    caches: list[ContentCache] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)  # account → id of its content cache
    tokens: list[AccessToken] = field(default_factory=list)
    dtr_settings: dict[str, Any] = field(default_factory=dict)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class Registrations:
    """All changes go through the methods, which save; the lists are for reading."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = self._load()

    def _load(self) -> _Content:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return _Content([ContentCache(**one) for one in found["caches"]], dict(found["settings"]),
                            [AccessToken(**one) for one in found["tokens"]], dict(found["dtr_settings"]))
        except FileNotFoundError:
            return _Content()
        except (OSError, ValueError, KeyError, TypeError):
            raise Refused([f"{self._path}: found something unreadable, wanted what an earlier run wrote; "
                           "remove the file to begin without registrations"]) from None

    def _save(self) -> None:
        beside = self._path.with_suffix(".new")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(self._content), file, indent=1)
        beside.replace(self._path)

    @property
    def caches(self) -> list[ContentCache]:
        return self._content.caches

    def cache(self, cache_id: str) -> ContentCache | None:
        return next((one for one in self._content.caches if one.id == cache_id), None)

    def add_cache(self, name: str, host: str) -> ContentCache:
        cache = ContentCache(str(uuid.uuid4()), name, host)
        self._content.caches.append(cache)
        self._save()
        return cache

    def remove_cache(self, cache: ContentCache, clear_settings: bool) -> None:
        self._content.caches.remove(cache)
        if clear_settings:
            self._content.settings = {who: one for who, one in self._content.settings.items() if one != cache.id}
        self._save()

    def chosen(self, account: str) -> str:
        """The id in the account's settings, "" if it has none; the cache may be gone."""
        return self._content.settings.get(account, "")

    def choose(self, account: str, cache_id: str) -> None:
        if cache_id:
            self._content.settings[account] = cache_id
        else:
            self._content.settings.pop(account, None)
        self._save()

    def cache_of(self, account: str) -> ContentCache | None:
        """The cache that serves this account: the chosen one, if it still exists."""
        return self.cache(self.chosen(account))

    def tokens_of(self, account: str) -> list[AccessToken]:
        return [one for one in self._content.tokens if one.account == account]

    def token(self, hashed: str) -> AccessToken | None:
        return next((one for one in self._content.tokens if one.hashed == hashed), None)

    def create_token(self, account: str, label: str, creator_agent: str, generated_by: str,
                     now: str) -> tuple[str, AccessToken]:
        """The token itself, shown this once, and what is kept of it."""
        secret = str(uuid.UUID(bytes=secrets.token_bytes(16)))
        kept = AccessToken(_hashed(secret), account, label, now, generated_by, creator_agent)
        self._content.tokens.append(kept)
        self._save()
        return secret, kept

    def change_token(self, token: AccessToken, label: str | None, active: bool | None) -> None:
        token.label = token.label if label is None else label
        token.active = token.active if active is None else active
        self._save()

    def remove_tokens(self, tokens: list[AccessToken]) -> None:
        gone = {one.hashed for one in tokens}
        self._content.tokens = [one for one in self._content.tokens if one.hashed not in gone]
        self._save()

    def use_token(self, account: str, secret: str, now: str) -> bool:
        """Whether `secret` is an active access token of the account; its use is noted."""
        token = self.token(_hashed(secret))
        if token is None or token.account != account or not token.active:
            return False
        if token.last_used != now:
            token.last_used = now
            self._save()
        return True

    @property
    def dtr_settings(self) -> dict[str, Any]:
        return self._content.dtr_settings

    def change_dtr_settings(self, changes: dict[str, Any]) -> None:
        self._content.dtr_settings.update(changes)
        self._save()
