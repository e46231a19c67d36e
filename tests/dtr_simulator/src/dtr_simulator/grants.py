"""The grant: what a redirect to a content cache carries, who may read which blob of which repository until when.

Owns: the claims of grant version 1, minting them and checking them as a cache does. Pure: the clock is an argument.
Does not own: signatures (jws.py), keys (key_ring.py).
Rule: checking is as strict as a cache is meant to be; nothing is normalised, a missing or ill-typed claim refuses.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from . import jws

VERSION = 1
LIFETIME_LIMIT_S = 3600
LENGTH_LIMIT_BYTES = 4096
CLOCK_SKEW_S = 30
_TYPES: Mapping[str, type] = {"ver": int, "iss": str, "sub": str, "repo": str, "digest": str, "act": str,
                              "iat": int, "exp": int, "jti": str}


class GrantRefused(Exception):
    """The text is one fixed word: missing, repeated, too-long, malformed, unknown-key, wrong-algorithm, bad-signature,
    wrong-version, wrong-claims, wrong-issuer, wrong-repository, wrong-digest, wrong-action, expired, not-yet-valid."""


def grant_claims(origin: str, account: str, repository: str, digest: str, now_s: float,
                 lifetime_s: float) -> dict[str, Any]:
    """The claims of a valid grant. `origin` is DTR's URL, `repository` is `org/name`, times are Unix seconds."""
    issued = int(now_s)
    return {"ver": VERSION, "iss": origin, "sub": account, "repo": repository, "digest": digest, "act": "pull",
            "iat": issued, "exp": issued + int(lifetime_s), "jti": secrets.token_urlsafe(12)}


def mint(key: jws.SigningKey, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
    """Sign claims, right or wrong ones. A claim or header member that is None is left out."""
    return jws.sign(key, {name: value for name, value in claims.items() if value is not None}, header)


def grant_of_query(query: str) -> str | None:
    """The `grant` parameter of a raw query string, None if there is none. Raise GrantRefused on a second one."""
    found = [part[6:] for part in query.split("&") if part.startswith("grant=")]
    if len(found) > 1:
        raise GrantRefused("repeated")
    return found[0] if found else None


def check_grant(token: str, keys: Mapping[str, jws.SigningKey], origin: str, repository: str, digest: str,
                now_s: float) -> dict[str, Any]:
    """The claims, if this grant allows to pull this blob now. Raise GrantRefused otherwise."""
    if len(token) > LENGTH_LIMIT_BYTES:
        raise GrantRefused("too-long")
    try:
        claims = jws.verify(token, keys)
    except jws.BadSignature as error:
        raise GrantRefused(str(error)) from None
    _check_types(claims)
    for name, wanted, reason in (("ver", VERSION, "wrong-version"), ("iss", origin, "wrong-issuer"),
                                 ("repo", repository, "wrong-repository"), ("digest", digest, "wrong-digest"),
                                 ("act", "pull", "wrong-action")):
        if claims[name] != wanted:
            raise GrantRefused(reason)
    _check_time(claims["iat"], claims["exp"], now_s)
    return claims


def _check_types(claims: Mapping[str, Any]) -> None:
    for name, wanted in _TYPES.items():
        # True is an int in Python, and no number here is a truth value.
        if type(claims.get(name)) is not wanted or claims[name] == "":
            raise GrantRefused("wrong-claims")


def _check_time(issued_s: int, expires_s: int, now_s: float) -> None:
    if not 0 < expires_s - issued_s <= LIFETIME_LIMIT_S:
        raise GrantRefused("wrong-claims")
    if now_s > expires_s + CLOCK_SKEW_S:
        raise GrantRefused("expired")
    if now_s < issued_s - CLOCK_SKEW_S:
        raise GrantRefused("not-yet-valid")
