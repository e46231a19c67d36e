"""The discovery document: who the origin is, and which keys sign its grants.

Owns the reading of `GET /.well-known/dtr-content-cache`, not its fetching. Rule for editors: a document that is only
partly understood is refused whole; the caller keeps the last good one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..values.failures import DiscoveryRefused
from .keys import KeySet, parse_key_set
from .strict_json import parse_object

DISCOVERY_PATH = "/.well-known/dtr-content-cache"
DOCUMENT_LIMIT_BYTES = 64 * 1024
VERSION = 1

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
_ORIGIN = re.compile(rf"https?://{_HOST}(?::[1-9][0-9]{{0,4}})?")
_WANTED = f"wanted the JSON object of content cache discovery, version {VERSION}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """`origin` is a URL without a path, as the grants' `iss` writes it; `raw` the document as received, to relay."""

    origin: str
    keys: KeySet
    raw: bytes


def parse_discovery(raw: bytes) -> Discovery:
    """Raise DiscoveryRefused with a sentence of what was found and what is wanted."""
    if len(raw) > DOCUMENT_LIMIT_BYTES:
        raise DiscoveryRefused(f"found more than {DOCUMENT_LIMIT_BYTES} bytes, {_WANTED}")
    try:
        document = parse_object(raw)
    except ValueError as error:
        raise DiscoveryRefused(f"found {_recognise(raw) or error}, {_WANTED}") from None
    _refuse_other_versions(document.get("version"))
    origin = document.get("origin")
    if not isinstance(origin, str) or not _ORIGIN.fullmatch(origin):
        raise DiscoveryRefused(f"origin: found {_say(origin)}, wanted http(s)://host[:port] without a path")
    return Discovery(origin, parse_key_set(origin, document.get("jwks")), raw)


def _refuse_other_versions(version: Any) -> None:
    if type(version) is not int or version != VERSION:
        raise DiscoveryRefused(f"version: found {_say(version)}, {_WANTED}")


def _recognise(raw: bytes) -> str | None:
    """What people and proxies answer instead, so that the operator knows where to look."""
    head = raw.lstrip().lower()
    if not head:
        return "an empty answer"
    if head.startswith(b"-----begin "):
        return "PEM, which looks like another version's answer"
    if head.startswith(b"<"):
        return "a web page, as a login page, a proxy or a version without content cache discovery gives"
    return None


def _say(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:80]
