"""An upstream's `WWW-Authenticate`, and whether it may be passed on to a client. Pure.

A client sends its password to the realm that a challenge names. So a realm is passed on only if it lies on the upstream
itself or on a host that the operator named, and never leads from https to http.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..settings.model import Upstream

_BEARER = re.compile(r'Bearer ((?:[A-Za-z_]+="[^"\\\x00-\x1f\x7f]*"(?:, ?|$))+)', re.IGNORECASE)
_BASIC = re.compile(r'Basic realm="[^"\\\x00-\x1f\x7f]*"(?:, ?charset="UTF-8")?', re.IGNORECASE)
_MEMBER = re.compile(r'([A-Za-z_]+)="([^"]*)"')
LIMIT_CHARACTERS = 2048


def may_pass_on(challenge: str, upstream: Upstream, realm_hosts: tuple[str, ...]) -> bool:
    if len(challenge) > LIMIT_CHARACTERS:
        return False
    if _BASIC.fullmatch(challenge):
        return True  # the password goes where it went before: to the cache, and from there to this upstream
    bearer = _BEARER.fullmatch(challenge)
    if not bearer:
        return False
    realms = [value for name, value in _MEMBER.findall(bearer[1]) if name.lower() == "realm"]
    return len(realms) == 1 and _is_allowed(realms[0], upstream, realm_hosts)


def _is_allowed(realm: str, upstream: Upstream, realm_hosts: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(realm)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return False
    host = (parts.hostname or "").lower()
    if parts.username is not None or parts.password is not None or "@" in parts.netloc or not host:
        return False
    if parts.scheme != "https" and not (parts.scheme == "http" and upstream.scheme == "http"):
        return False
    on_upstream = (host, port) == (upstream.host.lower(), upstream.port)
    return on_upstream or bool({host, f"{host}:{port}"} & set(realm_hosts))
