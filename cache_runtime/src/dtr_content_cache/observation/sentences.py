"""What each event says in the application log: a level, a message, fields. Pure; the events' own words are kept.

Rule for editors: an event that needs somebody to act is "error" or "warn"; what is normal is "info"; what happens for
each blob is "debug", or the log of a busy cache would be unreadable. Requests are in the access log, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..values import events
from ..values.duration import say_seconds
from ..values.size import say_bytes
from .formatting import Value


class Sentence(NamedTuple):
    """`level` is error, warn, info or debug."""

    level: str
    message: str
    fields: Mapping[str, Value]


def sentence(event: events.Event) -> Sentence | None:
    """None for events that the application log passes over."""
    writer = _WRITERS.get(type(event))
    return writer(event) if writer else None


def _refused(event: events.AccessRefused) -> Sentence:
    fields: dict[str, Value] = {"reason": event.reason, "target": event.target.partition("?")[0]}
    return Sentence("info", "access refused", fields | {"client": event.client, "id": event.request_id})


def _tls_failed(event: events.TlsFailed) -> Sentence:
    return Sentence("info", "no TLS with this client", _reason(event.reason, client=event.client))


def _fill_started(event: events.FillStarted) -> Sentence:
    fields: dict[str, Value] = {"digest": event.digest, "repository": event.repository, "upstream": event.upstream}
    return Sentence(
        "debug", "fill started", fields | ({} if event.total_bytes is None else {"bytes": event.total_bytes})
    )


def _fill_ended(event: events.FillEnded) -> Sentence:
    level = {"stored": "debug", "not-stored": "info", "failed": "warn", "wrong-bytes": "error"}.get(
        event.outcome, "warn"
    )
    fields: dict[str, Value] = {
        "digest": event.digest,
        "upstream_bytes": event.upstream_bytes,
        "seconds": event.seconds,
    }
    return Sentence(level, f"fill ended: {event.outcome}", _reason(event.reason, **fields))


def _fill_resumed(event: events.FillResumed) -> Sentence:
    fields: dict[str, Value] = {"digest": event.digest, "upstream": event.upstream, "offset": event.offset}
    return Sentence("warn", "fill goes on with the next upstream", _reason(event.reason, **fields))


def _upstream_failed(event: events.UpstreamFailed) -> Sentence:
    fields = _reason(event.reason, upstream=event.hop)
    if event.rest_s > 0:
        fields["rests"] = say_seconds(event.rest_s)
    if event.consulted:
        fields["judged_by"] = event.consulted
    return Sentence("warn", "upstream failed", fields)


def _upstream_recovered(event: events.UpstreamRecovered) -> Sentence:
    return Sentence("info", "upstream recovered", {"upstream": event.hop})


def _offline(event: events.ServedOffline) -> Sentence:
    fields: dict[str, Value] = {"repository": event.repository, "what": event.what, "age": say_seconds(event.age_s)}
    level = "debug" if event.what.startswith("blobs/") else "info"
    return Sentence(level, "no upstream answers: what it last said counts", fields)


def _circle(event: events.CircleFound) -> Sentence:
    message = "caches ask each other in a circle, so one request was refused: mend the upstreams of one of them"
    return Sentence("error", message, {"chain": event.chain})


def _evicted(event: events.BlobEvicted) -> Sentence:
    fields: dict[str, Value] = {"digest": event.digest, "bytes": event.size_bytes, "reason": event.reason}
    return Sentence("debug", "blob evicted", fields | {"not_pulled_for": say_seconds(event.idle_s)})


def _quarantined(event: events.BlobQuarantined) -> Sentence:
    return Sentence("error", "blob on disk is damaged and set aside", _reason(event.reason, digest=event.digest))


def _swept(event: events.SweepDone) -> Sentence:
    fields: dict[str, Value] = {
        "blobs": event.blobs,
        "used": say_bytes(event.bytes_used),
        "free": say_bytes(event.free_bytes),
        "oldest_not_pulled_for": say_seconds(event.oldest_idle_s),
        "seconds": event.seconds,
    }
    return Sentence("debug", "volume swept", fields)


def _storage_trouble(event: events.StorageTrouble) -> Sentence:
    return Sentence("error", "storage trouble", _reason(event.reason, operation=event.operation))


def _discovery(event: events.DiscoveryRefreshed) -> Sentence:
    fields: dict[str, Value] = {"origin": event.origin, "keys": event.keys} if event.origin else {}
    if event.problem:
        return Sentence("warn", f"discovery: {event.problem}", fields)
    if event.recalled:
        return Sentence("info", "discovery document of the last run in use until an upstream answers", fields)
    return Sentence("debug", "discovery document refreshed", fields)


def _reloaded(event: events.Reloaded) -> Sentence:
    if event.problem:
        return Sentence("error", f"{event.what}: {event.problem}", {})
    return Sentence("info", f"{event.what} reloaded", {})


def _lifecycle(event: events.Lifecycle) -> Sentence:
    return Sentence("info", event.detail or event.moment, {"moment": event.moment})


def _fault(event: events.Fault) -> Sentence:
    fields: dict[str, Value] = {"where": event.where, "traceback": event.traceback}
    return Sentence("error", "a fault of this program was caught; please report it", fields)


def _reason(reason: str, **fields: Value) -> dict[str, Value]:
    return fields | ({"reason": reason} if reason else {})


_WRITERS: dict[type, Callable[[Any], Sentence]] = {
    events.AccessRefused: _refused,
    events.TlsFailed: _tls_failed,
    events.FillStarted: _fill_started,
    events.FillEnded: _fill_ended,
    events.FillResumed: _fill_resumed,
    events.UpstreamFailed: _upstream_failed,
    events.UpstreamRecovered: _upstream_recovered,
    events.ServedOffline: _offline,
    events.CircleFound: _circle,
    events.BlobEvicted: _evicted,
    events.BlobQuarantined: _quarantined,
    events.SweepDone: _swept,
    events.StorageTrouble: _storage_trouble,
    events.DiscoveryRefreshed: _discovery,
    events.Reloaded: _reloaded,
    events.Lifecycle: _lifecycle,
    events.Fault: _fault,
}
