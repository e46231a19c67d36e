"""The command line of `dtr-simulator` as a value.

Owns: flags, their grammar, and the sentences for what does not fit them.
Does not own: reading the files they name (server.py). Rule: all mistakes are found before anything is made.
"""

from __future__ import annotations

import argparse
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from . import __version__, jws
from .grants import LIFETIME_LIMIT_S
from .quirks import QUIRKS, Quirks, read_quirks
from .refusals import Refused

_DURATION = re.compile(r"([0-9]{1,9})(s|m|h)?")
_HOST_NAME = re.compile(r"[A-Za-z0-9*]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Options:
    host: str
    port: int  # 0: any free one
    state: Path
    accounts: Path
    layouts: tuple[str, ...]  # NAME=DIR, not yet opened
    registry: str | None
    registry_wait_s: int
    tls: bool
    url: str | None  # None: made from host and port
    names: tuple[str, ...]  # host names and addresses of the certificate
    grant_lifetime_s: int
    token_lifetime_s: int
    grant_algorithm: str
    quirks: Quirks


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused([f"{message} (dtr-simulator --help lists the options)"])


def _parser() -> argparse.ArgumentParser:
    quirks = "; ".join(f"{name}={'|'.join(quirk.positions)}" for name, quirk in QUIRKS.items())
    parser = _Parser(prog="dtr-simulator", allow_abbrev=False,
                     description="A stand-in Docker Trusted Registry for tests and demonstrations.")
    add = parser.add_argument
    add("--listen", default="127.0.0.1:8443", metavar="HOST:PORT", help="address to listen on; port 0 is any free one")
    add("--state", required=True, metavar="DIR", help="CA, keys, registrations and the request log; made if missing")
    add("--accounts", required=True, metavar="FILE", help="YAML: accounts and the rights on repositories")
    add("--layout", action="append", default=[], metavar="NAME=DIR", help="an OCI image layout as repository NAME")
    add("--registry", metavar="URL", help="a registry without login behind the simulator, for push and pull")
    add("--registry-wait", default="10s", metavar="TIME", help="how long the registry may take to start (10s)")
    add("--plain-http", action="store_true", help="no TLS")
    add("--url", metavar="URL", help="the URL that clients and caches use, where it is not the one listened on")
    add("--san", action="append", default=[], metavar="NAME", help="one more host name or address in the certificate")
    add("--grant-lifetime", default="15m", metavar="TIME", help="validity of a signed redirect, 1h at most (15m)")
    add("--token-lifetime", default="5m", metavar="TIME", help="validity of a registry token (5m)")
    add("--grant-algorithm", default="EdDSA", choices=jws.ALGORITHMS, help="algorithm of the grant keys")
    add("--quirk", action="append", default=[], metavar="NAME=POSITION", help=f"a vendor contradiction: {quirks}")
    add("--version", action="version", version=f"dtr-simulator {__version__}")
    return parser


def read_options(argv: Sequence[str]) -> Options:
    """Raise Refused with every mistake of the command line."""
    given = _parser().parse_args(argv)
    reader = _Reader()
    host, port = reader.address(given.listen)
    quirks = reader.quirks(given.quirk)
    options = Options(
        host=host, port=port, state=Path(given.state).absolute(), accounts=Path(given.accounts).absolute(),
        layouts=tuple(given.layout), registry=given.registry, tls=not given.plain_http,
        registry_wait_s=reader.seconds("--registry-wait", given.registry_wait, 0, 600),
        url=reader.url(given.url, "http" if given.plain_http else "https"), names=reader.names(given.san),
        grant_lifetime_s=reader.seconds("--grant-lifetime", given.grant_lifetime, 1, LIFETIME_LIMIT_S),
        token_lifetime_s=reader.seconds("--token-lifetime", given.token_lifetime, 1, 24 * 3600),
        grant_algorithm=given.grant_algorithm, quirks=quirks)
    if reader.mistakes:
        raise Refused(reader.mistakes)
    return options


class _Reader:
    """Reads single values; what does not fit goes to `mistakes`."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def address(self, text: str) -> tuple[str, int]:
        host, colon, port = text.rpartition(":")
        if colon and port.isascii() and port.isdigit() and int(port) < 65536:
            return host.strip("[]"), int(port)
        self.mistakes.append(f"--listen {text}: wanted HOST:PORT, as in 127.0.0.1:8443")
        return "", 0

    def seconds(self, flag: str, text: str, least: int, most: int) -> int:
        match = _DURATION.fullmatch(text)
        value = int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"] if match else -1
        if not least <= value <= most:
            self.mistakes.append(f"{flag} {text}: wanted a time like 30s, 10m or 1h, from {least}s to {most}s")
        return value

    def url(self, text: str | None, scheme: str) -> str | None:
        if text is None:
            return None
        parts = urlsplit(text)
        if parts.scheme != scheme or not parts.hostname or parts.path.strip("/") or parts.query or "@" in parts.netloc:
            self.mistakes.append(f"--url {text}: wanted {scheme}://host[:port], nothing behind it")
        return f"{parts.scheme}://{parts.netloc}"

    def names(self, given: Sequence[str]) -> tuple[str, ...]:
        for name in given:
            if not _HOST_NAME.fullmatch(name) and not is_address(name):
                self.mistakes.append(f"--san {name}: wanted a host name or an IP address")
        return tuple(given)

    def quirks(self, given: Sequence[str]) -> Quirks:
        try:
            return read_quirks(given)
        except Refused as refused:
            self.mistakes += refused.mistakes
            return Quirks()


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def certificate_names(options: Options, url: str) -> list[str]:
    """Every name that a client on this machine or behind `url` may use for the server."""
    own = [urlsplit(url).hostname or "", options.host, "localhost", "127.0.0.1", "::1", socket.gethostname()]
    wild = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
    return list(dict.fromkeys(name for name in (*own, *options.names) if name not in wild))
