"""How clients name a registry that is inside here, and links put into those terms. Pure.

An upstream's `Link` (the next page of tags or referrers) names its own path, and perhaps itself. A client must come
back to the cache with it, by the way it came. Rule for editors: no host but the upstream's own is ever taken off a
link, and a link that cannot be understood is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..settings.model import Upstream

_LINK = re.compile(r'<([^<>\s]{1,4096})>((?:;[ \t]*[a-z]+="?[A-Za-z]+"?)+)', re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Outside:
    """`/v2/org/app/…` inside is `<before>/v2/<name>/org/app/…` outside, with `query` added; each of the three may be
    empty."""

    before: str = ""
    name: str = ""
    query: str = ""

    def path(self, inside: str) -> str:
        """Of a path that begins with `/v2/`."""
        return f"{self.before}/v2/" + (f"{self.name}/" if self.name else "") + inside.removeprefix("/v2/")

    def link(self, link: str, hop: Upstream) -> str | None:
        """The `Link` of `hop` as a client of this cache has to follow it; None where there is no sense in it."""
        found = _LINK.fullmatch(link.strip())
        if not found:
            return None
        try:
            parts = urlsplit(found[1])
            elsewhere = parts.netloc and not _is(hop, parts.scheme, parts.hostname or "", parts.port)
        except ValueError:
            return None
        if elsewhere or "@" in parts.netloc or parts.fragment or not (parts.path or parts.query):
            return None
        if parts.path and not parts.path.startswith("/v2/"):
            return None
        query = "&".join(part for part in (parts.query, self.query) if part)
        target = (self.path(parts.path) if parts.path else "") + (f"?{query}" if query else "")
        return f"<{target}>{found[2]}"


def _is(hop: Upstream, scheme: str, host: str, port: int | None) -> bool:
    scheme = scheme or hop.scheme
    return (host.lower(), port or _DEFAULT_PORTS.get(scheme)) == (hop.host.lower(), hop.port)
