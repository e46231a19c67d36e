"""An office's way out: which connections go through a forward proxy, as the environment says, and by which words.

Owns HTTP_PROXY, HTTPS_PROXY and NO_PROXY (in small letters, too, which win). https goes through a tunnel, so the proxy
sees no more than a name; http is asked of the proxy itself. What lies on this machine is always reached directly. Rule
for editors: a proxy's address is shown without its credentials, everywhere.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ..settings.model import Upstream
from ..values.failures import ConfigurationRefused

_DEFAULT_PORT = 80


@dataclass(frozen=True, slots=True)
class Proxy:
    """`headers` carry its credentials, to it and nobody else."""

    host: str
    port: int
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Proxies:
    """`by_scheme` has a proxy for "http", "https" or neither; `direct` are the members of NO_PROXY, lower case."""

    by_scheme: Mapping[str, Proxy] = field(default_factory=dict)
    direct: tuple[str, ...] = ()

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> Proxies:
        """Raise ConfigurationRefused with a sentence for each variable that is not understood."""
        found: dict[str, Proxy] = {}
        mistakes = []
        for scheme in ("http", "https"):
            name, value = _variable(environ, f"{scheme}_proxy")
            try:
                if value:
                    found[scheme] = _parse(value)
            except ValueError as mistake:
                mistakes.append(f"environment: {name}: found {mistake}, wanted http://[user:password@]host[:port]")
        if mistakes:
            raise ConfigurationRefused(tuple(mistakes))
        members = (member.strip().lower() for member in _variable(environ, "no_proxy")[1].split(","))
        return cls(found, tuple(member for member in members if member))

    def way_to(self, upstream: Upstream) -> Proxy | None:
        """None: straight there."""
        proxy = self.by_scheme.get(upstream.scheme)
        if proxy is None or _is_here(upstream.host):
            return None
        return None if any(_matches(member, upstream) for member in self.direct) else proxy

    def sentences(self, upstreams: Iterable[Upstream]) -> list[str]:
        """For the log at the start: who is reached through a proxy."""
        ways = ((upstream, self.way_to(upstream)) for upstream in upstreams)
        return [f"{upstream.url} is reached through the proxy {proxy.url}" for upstream, proxy in ways if proxy]


def _variable(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """(the name as it is spelt, its value). An empty one in small letters switches the other one off."""
    return (name, environ[name]) if name in environ else (name.upper(), environ.get(name.upper(), ""))


def _parse(value: str) -> Proxy:
    """Raise ValueError, saying what was found without what may be secret of it."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        port = parts.port or _DEFAULT_PORT
    except ValueError:
        raise ValueError("something that is not the address of a proxy") from None
    if parts.scheme.lower() != "http":
        raise ValueError(f"a proxy of the kind {parts.scheme[:20]!r}")
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("something that is not the address of a proxy")
    if parts.username is None:
        return Proxy(parts.hostname, port)
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return Proxy(parts.hostname, port, (("Proxy-Authorization", f"Basic {base64.b64encode(secret).decode()}"),))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _matches(member: str, upstream: Upstream) -> bool:
    """`member`: `*`, a network such as 10.0.0.0/8, or a host or domain, either with a port or without."""
    host = upstream.host.lower()
    if member == "*":
        return True
    if "/" in member:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(member, strict=False)
        except ValueError:
            return False
    name, colon, port = member.rpartition(":")
    if colon and port.isdecimal() and (":" not in name or name.endswith("]")):
        if int(port) != upstream.port:
            return False
        member = name
    member = member.strip("[]").removeprefix("*").removeprefix(".")
    return bool(member) and (host == member or host.endswith(f".{member}"))
