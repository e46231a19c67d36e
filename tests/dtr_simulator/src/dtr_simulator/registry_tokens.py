"""The bearer tokens of the registry: what /auth/token answers and /v2/ checks.

Owns: scopes, the token's claims, refresh tokens. Pure: the clock is an argument.
Does not own: who has which right (accounts.py); the HTTP side (handlers/token_service.py).
Rule: a token never carries more than was asked and allowed; it is signed by a key that no cache is ever told.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import jws

LIFETIME_S = 300
REFRESH_LIFETIME_S = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Scope:
    """`repository:org/name:pull,push` or `registry:catalog:*`."""

    kind: str
    name: str
    actions: tuple[str, ...]


def parse_scopes(texts: Iterable[str]) -> list[Scope]:
    """The scopes of `scope` parameters, each of which may hold several, separated by blanks; others are left out."""
    found = []
    for text in " ".join(texts).split(" "):
        kind, _, rest = text.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind and name and actions:
            found.append(Scope(kind, name, tuple(actions.split(","))))
    return found


def issue(key: jws.SigningKey, issuer: str, service: str, account: str, access: Iterable[Scope],
          now_s: float, lifetime_s: int = LIFETIME_S) -> str:
    """A signed access token for `account` ("" is anonymous). Times are Unix seconds."""
    entries = [{"type": one.kind, "name": one.name, "actions": list(one.actions)} for one in access]
    return jws.sign(key, _frame(issuer, service, account, now_s, lifetime_s) | {"access": entries})


def issue_refresh(key: jws.SigningKey, issuer: str, service: str, account: str, now_s: float) -> str:
    """A long-lived token that buys access tokens at the token service and nothing else."""
    return jws.sign(key, _frame(issuer, service, account, now_s, REFRESH_LIFETIME_S) | {"use": "refresh"})


def _frame(issuer: str, service: str, account: str, now_s: float, lifetime_s: int) -> dict[str, Any]:
    now = int(now_s)
    return {"iss": issuer, "aud": service, "sub": account, "iat": now, "nbf": now, "exp": now + lifetime_s,
            "jti": secrets.token_urlsafe(12)}


@dataclass(frozen=True, slots=True)
class Bearer:
    """A checked token: whose it is and which actions it carries for each repository."""

    account: str
    access: Mapping[tuple[str, str], frozenset[str]]

    def actions(self, repository: str) -> frozenset[str]:
        return self.access.get(("repository", repository), frozenset())


def check(token: str, key: jws.SigningKey, issuer: str, service: str, now_s: float) -> Bearer | None:
    """The token as a value, None if it is not ours, for another service, or over."""
    claims = _checked(token, key, issuer, service, now_s)
    if claims is None or not isinstance(claims.get("access"), list):
        return None
    access: dict[tuple[str, str], frozenset[str]] = {}
    for one in claims["access"]:
        place = (one["type"], one["name"])
        access[place] = access.get(place, frozenset()) | frozenset(one["actions"])
    return Bearer(claims["sub"], access)


def check_refresh(token: str, key: jws.SigningKey, issuer: str, service: str, now_s: float) -> str | None:
    """The account of a refresh token, None if it is not a good one."""
    claims = _checked(token, key, issuer, service, now_s)
    return claims["sub"] if claims and claims.get("use") == "refresh" else None


def _checked(token: str, key: jws.SigningKey, issuer: str, service: str, now_s: float) -> dict[str, Any] | None:
    try:
        claims = jws.verify(token, {key.kid: key})
    except jws.BadSignature:
        return None
    ours = claims["iss"] == issuer and claims["aud"] == service
    return claims if ours and claims["nbf"] <= now_s + 5 and now_s < claims["exp"] else None
