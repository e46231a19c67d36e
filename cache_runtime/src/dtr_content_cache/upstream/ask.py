"""What is asked of an upstream, and how that is written down. Pure.

Rule for editors: nothing is added to a request here that belongs to one host and could reach another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..settings.model import Upstream
from .proxy import Proxy

USER_AGENT = "dtr-content-cache"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to an upstream. `target` is path and query; `start`/`end` (exclusive, None = to the end) make it a
    Range. `for_blob`: the answer may be a redirect to where the upstream keeps its blobs. `within_s`: a small answer,
    which has come whole by then or is a failure. `sent` is called, in the asking thread, when the request has left."""

    method: str
    target: str
    start: int = 0
    end: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    for_blob: bool = False
    within_s: float | None = None
    sent: Callable[[], None] = field(default=lambda: None, compare=False)

    @property
    def is_ranged(self) -> bool:
        return self.start > 0 or self.end is not None


def request_bytes(
    upstream: Upstream, ask: Ask, target: str, extra: tuple[tuple[str, str], ...], proxy: Proxy | None
) -> bytes:
    """`target` and `extra` are of this hop: a redirect has others than `ask`. `proxy`: who is asked
    in the upstream's place."""
    if proxy is not None:
        target, extra = f"{upstream.url}{target}", (*extra, *proxy.headers)
    lines = [
        f"{ask.method} {target} HTTP/1.1",
        f"Host: {upstream.url.partition('://')[2]}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Accept-Encoding: identity",
        *(f"{name}: {value}" for name, value in extra),
    ]
    if ask.is_ranged:
        lines.append(f"Range: bytes={ask.start}-" + ("" if ask.end is None else str(ask.end - 1)))
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
