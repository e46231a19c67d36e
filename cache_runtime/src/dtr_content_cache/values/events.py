"""What happened, told to whoever listens (metrics, logs). Rooms emit; only observation hears, wired by assembly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class RequestServed(NamedTuple):
    """One answer, finished or broken off. `cache` is "hit", "miss", "collapsed", "bypass" or "" (not about a blob);
    `complete` is False when the client left or the answer was cut. `target` is the path without its query; `minor` is
    that of the request's HTTP/1.x."""

    request_id: str
    client: str
    account: str
    method: str
    target: str
    status: int
    body_bytes: int
    seconds: float
    cache: str
    upstream: str
    user_agent: str
    complete: bool
    handler: str
    minor: int = 1


@dataclass(frozen=True, slots=True)
class AccessRefused:
    request_id: str
    client: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class TlsFailed:
    """A client and we did not come to an agreement; `reason` is OpenSSL's."""

    client: str
    reason: str


@dataclass(frozen=True, slots=True)
class FillStarted:
    digest: str
    repository: str
    upstream: str
    total_bytes: int | None


@dataclass(frozen=True, slots=True)
class FillEnded:
    """`outcome` is "stored", "not-stored" (no space: streamed through), "failed", "wrong-bytes"."""

    digest: str
    outcome: str
    upstream_bytes: int
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FillResumed:
    """The transfer went on with `upstream` from byte `offset`, invisible to clients."""

    digest: str
    upstream: str
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class UpstreamFailed:
    """`hop` names what was tried (scheme, host, port); `consulted` the CA files a TLS failure was judged by."""

    hop: str
    reason: str
    rest_s: float
    consulted: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamRecovered:
    hop: str


@dataclass(frozen=True, slots=True)
class ServedOffline:
    """No upstream could be asked, and what one last said `age_s` ago counts: `what` of `repository`, such as
    "manifests/1.0"."""

    repository: str
    what: str
    age_s: float


@dataclass(frozen=True, slots=True)
class CircleFound:
    """A request that this cache had asked for came back to it: `chain` names the caches, as they name themselves."""

    chain: str


@dataclass(frozen=True, slots=True)
class BlobEvicted:
    """`reason` is "ttl", "maxsize", "minfree"."""

    digest: str
    size_bytes: int
    idle_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class BlobQuarantined:
    digest: str
    reason: str


@dataclass(frozen=True, slots=True)
class SweepDone:
    blobs: int
    bytes_used: int
    free_bytes: int
    oldest_idle_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class StorageTrouble:
    operation: str
    reason: str


@dataclass(frozen=True, slots=True)
class DiscoveryRefreshed:
    """`keys` is their number; `problem` says what is wrong, or is empty; `recalled`: from disk, not from an
    upstream."""

    origin: str
    keys: int
    problem: str = ""
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class Reloaded:
    """`what` is "configuration", "certificate", "authorities"; `problem` says why the old state stays, or is empty."""

    what: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """`moment` is "starting", "listening", "draining", "stopped"; `detail` a sentence."""

    moment: str
    detail: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A bug of ours that was caught at a border: `where` and the traceback text, for the log only."""

    where: str
    traceback: str


Event = (
    RequestServed
    | AccessRefused
    | TlsFailed
    | FillStarted
    | FillEnded
    | FillResumed
    | UpstreamFailed
    | UpstreamRecovered
    | ServedOffline
    | CircleFound
    | BlobEvicted
    | BlobQuarantined
    | SweepDone
    | StorageTrouble
    | DiscoveryRefreshed
    | Reloaded
    | Lifecycle
    | Fault
)
Emit = Callable[[Event], None]
