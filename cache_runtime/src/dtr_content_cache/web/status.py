"""What the status page shows, as one document: gathered when somebody asks, and only then.

Owns what is told of each part and what is left out: no repository, no account, no whole digest, no single client's
address, no path, nothing that opens anything; the listener asks nobody for a password. Rule for editors: gathering
waits for nothing but the volume, and for that a moment only. Event loop only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from ..delivery.flight import Flight
from ..observation.daily import Days, Served
from ..observation.discretion import discreet, short_digest
from ..observation.lately import Lately
from ..retention.space import SpaceKeeper
from ..storage import Space, Store, StoredBlob
from ..upstream.turns import Turns
from ..values.clock import Clock
from ..values.failures import Failure

FORMAT = 1
NEXT_SHOWN = 8
FILLS_SHOWN = 50
_VOLUME_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom the page asks: parts that a reload exchanges come by a function."""

    release: str
    mode: str
    started_s: float
    clock: Clock
    questions: Callable[[], Mapping[str, str | None]]
    failures: Callable[[], Mapping[str, str]]
    ready: Callable[[], Mapping[str, str]]
    flights: Callable[[], Iterable[Flight]]
    requests_in_flight: Callable[[], Mapping[str, int]]
    hops: Callable[[], Iterable[tuple[Turns, Mapping[str, float]]]]  # of each registry, with Exchanges.head_s
    days: Callable[[], Days]
    served: Callable[[], Served]
    store: Store
    space: SpaceKeeper
    certificate_expires_s: Callable[[], float | None]
    lately: Lately
    warnings: Callable[[], Iterable[str]]
    threads: Executor


class Status:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._looking: asyncio.Future[tuple[Space, list[StoredBlob]]] | None = None

    async def told(self) -> dict[str, Any]:
        """The whole document; times in seconds since the epoch."""
        asked, now_s = self._asked, self._asked.clock.wall()
        return {
            "format": FORMAT,
            "release": asked.release,
            "mode": asked.mode,
            "now_s": now_s,
            "uptime_s": asked.clock.steady() - asked.started_s,
            "health": health(asked.questions(), asked.failures(), asked.ready()),
            "fills": fills(asked.flights(), time.monotonic()),
            "requests_in_flight": sum(asked.requests_in_flight().values()),
            "days": [_figures(served) | {"day": day} for day, served in asked.days().items()],
            "since_start": _figures(asked.served()),
            "upstreams": [hop for turns, head_s in asked.hops() for hop in upstreams(turns, head_s, asked.lately)],
            "space": await self._space(now_s),
            "certificate": certificate(asked.certificate_expires_s(), now_s),
            "refusals": refusals(asked.lately),
            "troubles": troubles(asked.lately),
            "warnings": [discreet(warning) for warning in asked.warnings()],
        }

    async def _space(self, now_s: float) -> dict[str, Any]:
        space, sweep = self._asked.space, self._asked.lately.sweep
        found = await self._volume()
        volume, oldest = found if found else (None, [])
        limits = space.limits
        return {
            "answers": found is not None,
            "used_bytes": space.used_bytes,
            "blobs": sweep.blobs if sweep else None,
            "max_bytes": limits.max_size_bytes,
            "ttl_s": limits.ttl_s if space.may_delete else None,
            "total_bytes": volume.total_bytes if volume else None,
            "free_bytes": volume.free_bytes if volume else None,
            "keep_free_bytes": limits.reserve_bytes(volume.total_bytes) if volume else None,
            "next": [_waiting(blob, self._asked.clock.steady()) for blob in oldest],
        }

    async def _volume(self) -> tuple[Space, list[StoredBlob]] | None:
        """None: it does not answer. One question at a time: a volume that hangs must not take every thread."""
        loop = asyncio.get_running_loop()
        if self._looking is None or self._looking.done():
            self._looking = loop.run_in_executor(self._asked.threads, self._look)
        try:
            async with asyncio.timeout(_VOLUME_WITHIN_S):
                return await asyncio.shield(self._looking)
        except (TimeoutError, Failure):
            return None

    def _look(self) -> tuple[Space, list[StoredBlob]]:
        return self._asked.store.space(), self._asked.space.next_to_go(NEXT_SHOWN)


def health(
    questions: Mapping[str, str | None], failures: Mapping[str, str], ready: Mapping[str, str]
) -> dict[str, Any]:
    """`state`: "sick", "not-ready", "by-memory" (serves, but no upstream has answered lately) or "well"."""
    checks = [
        {"name": discreet(name), "reason": None if reason is None else discreet(reason)}
        for name, reason in questions.items()
    ]
    unmet = any(check["reason"] for check in checks)
    state = "sick" if failures else "not-ready" if ready else "by-memory" if unmet else "well"
    return {"state": state, "checks": checks}


def fills(flights: Iterable[Flight], now_monotonic_s: float) -> list[dict[str, Any]]:
    """The longest under way first."""
    ordered = sorted(flights, key=lambda flight: flight.began_s)[:FILLS_SHOWN]
    return [_fill(flight, now_monotonic_s - flight.began_s) for flight in ordered]


def _fill(flight: Flight, seconds: float) -> dict[str, Any]:
    filling = flight.filling
    return {
        "blob": short_digest(flight.digest.hex),
        "state": flight.state.name.lower(),
        "bytes": filling.present_bytes() if filling else 0,
        "of_bytes": flight.total,
        "seconds": seconds,
        "average_bytes_per_s": filling.fetched_bytes / seconds if filling and seconds > 0 else 0.0,
        "readers": flight.readers,
        "upstream": discreet(flight.hop),
    }


def upstreams(turns: Turns, head_s: Mapping[str, float], lately: Lately) -> list[dict[str, Any]]:
    resting_s = turns.resting_s()
    return [
        {
            "url": discreet(url),
            "healthy": healthy,
            "resting_s": resting_s[url],
            "answered_within_s": head_s.get(url),
            "last_failure": _said(lately.upstream_failures[url]) if url in lately.upstream_failures else None,
        }
        for url, healthy in turns.healthy().items()
    ]


def certificate(expires_s: float | None, now_s: float) -> dict[str, float] | None:
    return None if expires_s is None else {"expires_s": expires_s, "days_left": (expires_s - now_s) // 86400}


def refusals(lately: Lately) -> list[dict[str, Any]]:
    """The latest first."""
    found = sorted(lately.refusals.items(), key=lambda item: -item[1].last_s)
    return [{"reason": reason, "count": of.count, "last_s": of.last_s, "network": of.network} for reason, of in found]


def troubles(lately: Lately) -> list[dict[str, Any]]:
    """The latest first."""
    return [_said(trouble) for trouble in reversed(lately.troubles)]


def _said(trouble: Any) -> dict[str, Any]:
    return {"at_s": trouble.at_s, "level": trouble.level, "words": trouble.words}


def _waiting(blob: StoredBlob, now_s: float) -> dict[str, Any]:
    return {"blob": short_digest(blob.digest.hex), "bytes": blob.size, "idle_s": max(0.0, now_s - blob.pulled_s)}


def _figures(served: Served) -> dict[str, Any]:
    return {
        "requests": served.requests,
        "hits": served.hits,
        "sent_bytes": served.sent_bytes,
        "hit_bytes": served.hit_bytes,
    }
