"""One good event of each kind, to be told with changes."""

from __future__ import annotations

from typing import Any

from dtr_content_cache.values import events

DIGEST = "sha256:" + "5a" * 32
TARGET = f"/v2/org/app/blobs/{DIGEST}"
UPSTREAM = "https://dtr.example.com"
SERVED = events.RequestServed(
    "3f2a9c1e-1", "10.1.2.3", "alice", "GET", TARGET, 200, 1048576, 0.0034, "hit", "", "docker/20.10.24", True, "blob"
)
SAMPLES: tuple[events.Event, ...] = (
    SERVED,
    events.AccessRefused("3f2a9c1e-2", "10.1.2.3", TARGET, "expired"),
    events.TlsFailed("10.1.2.3", "tlsv1 alert unknown ca"),
    events.FillStarted(DIGEST, "org/app", UPSTREAM, 1048576),
    events.FillEnded(DIGEST, "stored", 1048576, 1.5),
    events.FillResumed(DIGEST, UPSTREAM, 524288, "the connection broke"),
    events.UpstreamFailed(UPSTREAM, "its certificate is not accepted: certificate has expired", 2.0, "/certs/ca.pem"),
    events.UpstreamRecovered(UPSTREAM),
    events.ServedOffline("org/app", "manifests/1.0", 90.0),
    events.CircleFound("cache-a.1f2e3d4c → cache-b.5a6b7c8d → cache-a.1f2e3d4c"),
    events.BlobEvicted(DIGEST, 1048576, 90061, "ttl"),
    events.BlobQuarantined(DIGEST, "its bytes do not hash to its digest"),
    events.SweepDone(12, 3_000_000, 7_000_000, 3600.0, 0.01),
    events.StorageTrouble("writing", "ENOSPC"),
    events.DiscoveryRefreshed(UPSTREAM, 2),
    events.Reloaded("certificate"),
    events.Lifecycle("listening", "listening on https://0.0.0.0:5000"),
    events.Fault("connection", 'Traceback (most recent call last):\n  File "x.py", line 1\nKeyError: 1\n'),
)


def served(**changes: Any) -> events.RequestServed:
    return SERVED._replace(**changes)
