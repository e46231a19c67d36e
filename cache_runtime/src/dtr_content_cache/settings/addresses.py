"""Addresses: where to listen, which upstreams to ask, where redirects may lead.

Rule for editors: hosts are lower case without brackets once read; a port is always a number."""

from __future__ import annotations

import ipaddress
import re

from .kinds import text
from .model import Upstream
from .reading_point import Point, Unwanted

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def listen_address(at: Point) -> tuple[str, int]:
    """(host, port) of `:5000`, `host:5000` or `[::]:5000`; host "" is every interface, port 0 any free one."""
    wanted = "wanted an address such as :5000, 127.0.0.1:5000 or [::]:5000"
    written = text(at, wanted)
    if re.fullmatch(r"[0-9]+", written):
        raise Unwanted(f"which lacks the colon before the port, wanted :{written}"[:120])
    host, port = _host_and_port(written, wanted)
    if port is None:
        raise Unwanted(f"which has no port, {wanted}")
    return host, port


def host_and_optional_port(at: Point) -> str:
    """`host` or `host:port`, lower case, for comparing with where a redirect leads."""
    wanted = "wanted host or host:port, such as s3.example.com, without scheme, path or wildcard"
    host, port = _host_and_port(text(at, wanted), wanted)
    if not host or port == 0:
        raise Unwanted(wanted)
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port is None else f"{bracketed}:{port}"


def upstream(at: Point, *, authoritative: bool = True) -> Upstream:
    """The next hop of `http(s)://host[:port]`, and nothing behind it."""
    wanted = "wanted http(s)://host[:port], such as https://dtr.example.com"
    scheme, separator, rest = text(at, wanted).partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _DEFAULT_PORTS or not isinstance(at.node.value, str):
        raise Unwanted(wanted)
    if "@" in rest:
        raise Unwanted(f"which has credentials in it, {wanted}: users bring their own rights")
    if re.search(r"[/?#]", rest):
        raise Unwanted(f"which goes on after the host, {wanted}")
    host, port = _host_and_port(rest, wanted)
    if not host or port == 0:
        raise Unwanted(wanted)
    return Upstream(scheme, host, port or _DEFAULT_PORTS[scheme], authoritative)


def external_url(at: Point) -> str:
    """An absolute `http(s)` URL of our own, as `http.host` wants it."""
    wanted = "wanted an absolute URL such as https://cache.example.com"
    match = re.fullmatch(r"(?i:https?)://([^/?#@\s]+)(?:/[^?#\s]*)?", text(at, wanted))
    if not match or not _host_and_port(match[1], wanted)[0]:
        raise Unwanted(wanted)
    return text(at, wanted).rstrip("/")


def check_url(at: Point) -> str:
    """A URL that a health check asks; path and query are allowed, credentials are not."""
    wanted = "wanted a URL such as https://dtr.example.com/_ping"
    match = re.fullmatch(r"(?i:https?)://([^/?#@\s]+)(?:[/?][^#\s]*)?", text(at, wanted))
    if not match or not _host_and_port(match[1], wanted)[0]:
        raise Unwanted(wanted)
    return text(at, wanted)


def check_target(at: Point) -> str:
    """`host:port` of a TCP health check."""
    wanted = "wanted host:port, such as dtr.example.com:443"
    host, port = _host_and_port(text(at, wanted), wanted)
    if not host or not port:
        raise Unwanted(wanted)
    return text(at, wanted)


def _host_and_port(written: str, wanted: str) -> tuple[str, int | None]:
    match = _AUTHORITY.fullmatch(written)
    if not match or (match[2] and int(match[2]) > 65535):
        raise Unwanted(wanted)
    host = match[1].lower()
    if host.startswith("["):
        host = host[1:-1]
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise Unwanted(wanted) from None
    elif host and (len(host) > 253 or not _NAME.fullmatch(host) or _is_broken_ipv4(host)):
        raise Unwanted(wanted)
    return host, int(match[2]) if match[2] else None


def _is_broken_ipv4(host: str) -> bool:
    """All digits and dots, and yet not the dotted quad that everybody reads the same way."""
    if not re.fullmatch(r"[0-9.]+", host):
        return False
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return True
    return False
