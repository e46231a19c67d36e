# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""Scheme, host and port of a web server: DTR's own address, a cache's host, the server that answered.

Owns parsing and equality. Rule: two spellings of one origin are equal values, and a value that exists is valid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption

DEFAULT_PORTS = {"http": 80, "https": 443}
HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})")
IPV6_ADDRESS = re.compile(r"[0-9A-Fa-f:.]+(?:%25[A-Za-z0-9]+)?")


@dataclass(frozen=True)
class WebOrigin:
    """``scheme`` is http or https, ``host`` lower case without brackets, ``port`` always a number."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self):
        """host:port as a person would write it, the default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self):
        """scheme://authority, no trailing slash."""
        return f"{self.scheme}://{self.authority}"

    @property
    def is_loopback(self):
        """Whether it never leaves this machine."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def parse_origin(text, option):
    """The origin that ``text`` names; ``option`` is the name a user knows the value by.

    One trailing slash is fine. Raises WrongOption for anything that is not http(s)://host[:port].
    """
    wanted = "wanted: http(s)://host[:port]"
    found = text.strip() if isinstance(text, str) else ""
    if not found:
        raise WrongOption(f"{option} is empty; {wanted}.")
    if "@" in found:
        # The value is not repeated: what stands before the @ is usually a password.
        raise WrongOption(
            f"{option} holds a user name or password (an @ sign); {wanted}, credentials have their own options."
        )
    if "://" not in found:
        raise WrongOption(
            f"{option} is '{found}', without http:// or https:// in front; {wanted}, perhaps https://{found}."
        )
    parts, port = _split(found, option, wanted)
    if parts.scheme.lower() not in DEFAULT_PORTS:
        raise WrongOption(f"{option} is '{found}', whose scheme is '{parts.scheme}'; {wanted}.")
    if parts.path not in ("", "/") or parts.query or parts.fragment or found.endswith(("?", "#")):
        raise WrongOption(f"{option} is '{found}', with something behind host and port; {wanted}.")
    return WebOrigin(parts.scheme.lower(), parts.hostname.lower(), port or DEFAULT_PORTS[parts.scheme.lower()])


def _split(found, option, wanted):
    try:
        parts = urlsplit(found)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise WrongOption(f"{option} is '{found}', whose host or port cannot be read; {wanted}.") from None
    pattern = IPV6_ADDRESS if "[" in parts.netloc else HOST_NAME
    if not pattern.fullmatch(host) or port == 0 or parts.netloc.endswith(":"):
        raise WrongOption(f"{option} is '{found}', whose host or port is missing or malformed; {wanted}.")
    return parts, port


def origin_of(url):
    """The origin of an absolute URL that may have a path and a query. Raises ValueError if it has none."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError("not an absolute http(s) URL")
    return WebOrigin(scheme, parts.hostname.lower(), parts.port or DEFAULT_PORTS[scheme])


def same_origin(one, other):
    """Whether two texts name one origin. Texts that cannot be read are compared as they are."""
    try:
        return parse_origin(one, "") == parse_origin(other, "")
    except WrongOption:
        return one == other
