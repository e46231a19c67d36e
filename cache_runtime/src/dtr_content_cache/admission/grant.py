"""One grant: read, verified, compared with the request. Pure: every input is an argument, the time too.

A grant is a compact JWS (RFC 7515) in the query parameter `grant`, version 1 of its claims. Rule for editors: nothing
is decoded leniently and nothing is decided by the token's own header; every refusal has one of the REASONS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from ..values.blob_address import BlobAddress, is_repository_name
from ..values.digest import Digest
from ..values.failures import GrantRefused
from . import base64url
from .keys import KeySet
from .strict_json import parse_object

REASONS = (
    "missing", "repeated", "too-long", "malformed", "unknown-key", "wrong-algorithm", "bad-signature", "wrong-version",
    "wrong-claims", "wrong-issuer", "wrong-repository", "wrong-digest", "wrong-action", "expired", "not-yet-valid",
    "no-keys",
)  # fmt: skip
TOKEN_LIMIT_CHARACTERS = 4096
PARAMETERS_LIMIT = 8
LIFETIME_LIMIT_S = 3600
_TEXT_LIMIT_CHARACTERS = 255
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_NO_LETTERS = re.compile(r"[^A-Za-z]+")
_HEADER_MEMBERS = {"alg", "kid", "typ"}


@dataclass(frozen=True, slots=True)
class Grant:
    """`account` may read `digest` of `repository` from `issued_s` until `expires_s` (seconds since the epoch)."""

    account: str
    repository: str
    digest: Digest
    issued_s: int
    expires_s: int
    token_id: str


def admit(address: BlobAddress, query: str, keys: KeySet | None, now_s: float, clock_skew_s: float) -> Grant:
    """The grant that lets a request with the raw `query` read `address` now. Raise GrantRefused otherwise."""
    grant = verify(read_token(query), keys)
    check_use(grant, address, now_s, clock_skew_s)
    return grant


def read_token(query: str) -> str:
    """The one `grant` of a raw query string, not yet verified. Other parameters (`ns=`) are passed over.

    Raise GrantRefused where there is none, more than one, one that is spelt in a way that another reader of the same
    URL would take for a second, or one of more than 4 KiB.
    """
    if query.startswith("grant=") and "&" not in query:
        token = query[6:]
    else:
        parameters = query.split("&") if query else []
        if len(parameters) > PARAMETERS_LIMIT:
            raise GrantRefused("malformed", f"more than {PARAMETERS_LIMIT} query parameters")
        named = [parameter for parameter in parameters if _names_grant(parameter)]
        if len(named) > 1:
            raise GrantRefused("repeated")
        token = named[0][6:] if named else ""
    if not token:
        raise GrantRefused("missing")
    if len(token) > TOKEN_LIMIT_CHARACTERS:
        raise GrantRefused("too-long", f"{len(token)} characters, at most {TOKEN_LIMIT_CHARACTERS}")
    return token


def _names_grant(parameter: str) -> bool:
    name = parameter.partition("=")[0]
    if name == "grant":
        return True
    # `%67rant`, `Grant`, `grant[]`, `+grant`, `grant%00`: some reader would take each of them for a grant.
    if _NO_LETTERS.sub("", unquote(name)).lower() == "grant":
        raise GrantRefused("malformed", "the parameter's name is not spelt grant")
    return False


def verify(token: str, keys: KeySet | None) -> Grant:
    """What of a grant does not depend on the request: form, key, signature, claims. Raise GrantRefused."""
    if not _TOKEN.fullmatch(token):
        raise GrantRefused("malformed", "not a compact JWS")
    header_text, claims_text, signature_text = token.split(".")
    kid, algorithm = _read_header(header_text)
    signature = _octets(signature_text)
    if keys is None:
        raise GrantRefused("no-keys", "no discovery document yet")
    key = keys.keys.get(kid)
    if key is None:
        raise GrantRefused("unknown-key")
    if algorithm != key.algorithm:
        raise GrantRefused("wrong-algorithm", f"the key is for {key.algorithm}")
    if not key.verify(f"{header_text}.{claims_text}".encode("ascii"), signature):
        raise GrantRefused("bad-signature")
    return _read_claims(_part(claims_text), keys.origin)


@lru_cache(maxsize=16)
def _read_header(text: str) -> tuple[str, object]:
    """(kid, whatever it says of the algorithm). All grants of a key have the same one."""
    header = _part(text)
    if not header.keys() <= _HEADER_MEMBERS or not isinstance(header.get("typ", ""), str):
        raise GrantRefused("malformed", "the header has members other than alg, kid and typ")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise GrantRefused("malformed", "the header has no kid")
    return kid, header.get("alg")


def check_use(grant: Grant, address: BlobAddress, now_s: float, clock_skew_s: float) -> None:
    """What must be asked each time. The second of `expires_s` itself is outside (RFC 7519 §4.1.4)."""
    if grant.repository != address.repository:
        raise GrantRefused("wrong-repository")
    if grant.digest.hex != address.digest.hex:
        raise GrantRefused("wrong-digest")
    if now_s >= grant.expires_s + clock_skew_s:
        raise GrantRefused("expired", f"{now_s - grant.expires_s:.0f}s ago, by this machine's clock")
    if now_s < grant.issued_s - clock_skew_s:
        raise GrantRefused("not-yet-valid", f"for {grant.issued_s - now_s:.0f}s, by this machine's clock")


def _read_claims(claims: dict[str, Any], origin: str) -> Grant:
    if type(claims.get("ver")) is not int or claims["ver"] != 1:
        raise GrantRefused("wrong-version", "wanted ver 1")
    for name in ("iss", "sub", "repo", "digest", "act", "jti"):
        if not isinstance(claims.get(name), str):
            raise GrantRefused("wrong-claims", f"{name} is missing or not a string")
    for name in ("iat", "exp"):
        # bool is an int for Python, and 1e9 a float: neither is what the claim means.
        if type(claims.get(name)) is not int or claims[name] < 0:
            raise GrantRefused("wrong-claims", f"{name} is missing or not a whole number of seconds")
    if not 0 < claims["exp"] - claims["iat"] <= LIFETIME_LIMIT_S:
        raise GrantRefused("wrong-claims", f"exp is not within {LIFETIME_LIMIT_S}s after iat")
    _refuse_unmet_conditions(claims)
    if claims["iss"] != origin:
        raise GrantRefused("wrong-issuer", "iss is not the discovered origin")
    if claims["act"] != "pull":
        raise GrantRefused("wrong-action", "wanted act pull")
    return Grant(
        account=_printable(claims, "sub"),
        repository=_repository(claims["repo"]),
        digest=_digest(claims["digest"]),
        issued_s=claims["iat"],
        expires_s=claims["exp"],
        token_id=_printable(claims, "jti"),
    )


def _refuse_unmet_conditions(claims: dict[str, Any]) -> None:
    # Unknown claims are passed over (RFC 7519 §4), but these two limit the grant in ways that version 1 has not.
    for name in ("aud", "nbf"):
        if name in claims:
            raise GrantRefused("wrong-claims", f"{name} is no claim of version 1")


def _printable(claims: dict[str, Any], name: str) -> str:
    text: str = claims[name]
    if not 0 < len(text) <= _TEXT_LIMIT_CHARACTERS or not text.isprintable():
        raise GrantRefused("wrong-claims", f"{name} is not 1 to {_TEXT_LIMIT_CHARACTERS} printable characters")
    return text


def _repository(text: str) -> str:
    if not is_repository_name(text):
        raise GrantRefused("wrong-claims", "repo is not a repository name")
    return text


def _digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except ValueError:
        raise GrantRefused("wrong-claims", "digest is not sha256:<64 lower-case hex digits>") from None


def _part(text: str) -> dict[str, Any]:
    try:
        return parse_object(_octets(text))
    except ValueError as error:
        raise GrantRefused("malformed", str(error)) from None


def _octets(text: str) -> bytes:
    try:
        return base64url.decode(text)
    except ValueError as error:
        raise GrantRefused("malformed", str(error)) from None
