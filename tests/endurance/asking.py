"""Caches that ask their upstream whether a client may read, beside those that believe a grant; and who asks them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from doubles.ports import free_port
from doubles.upstream import Upstream

from .lives import Cache
from .traffic import target

ASKING = {"authorization": "upstream", "offline": "serve", "verdictttl": "0s"}  # options of the middleware
ALICE = {"Authorization": "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="}


def blob_target(upstream: Upstream, digest: str, *, asks: bool) -> str:
    return f"/v2/org/app/blobs/{digest}" if asks else target(upstream, digest)


def credentials(*, asks: bool) -> Mapping[str, str]:
    """The headers that say who is asking; a grant says it in the target."""
    return ALICE if asks else {}


def over_tls(cache: Cache, pair: tuple[Path, Path]) -> None:
    """In each life that begins from now on, by this certificate and its key; with a listener for operators beside."""
    cache.config["http"]["tls"] = {"certificate": str(pair[0]), "key": str(pair[1])}
    cache.config["http"]["debug"] = {"addr": f"127.0.0.1:{free_port()}"}
