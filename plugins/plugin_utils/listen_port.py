# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""The port that a cache listens on, as the role's options say it. Pure.

Owns the meaning of cache_host_port 0. Rule for editors: cache_host__port in the role's vars says the same."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

WITHOUT_ADDRESS = 5000


def listen_port(options: Mapping) -> int:
    """The port of the host; 0 or nothing stands for the public address's port, or 5000 without an address."""
    asked = int(options.get("cache_host_port") or 0)
    url = str(options.get("cache_host_public_url") or "")
    return asked or public_port(url) or WITHOUT_ADDRESS


def public_port(url: str) -> int:
    """The port of an http(s) address; 0 if it has none that is a port."""
    try:
        return urlsplit(url).port or {"https": 443, "http": 80}.get(urlsplit(url).scheme, 0)
    except ValueError:
        return 0
