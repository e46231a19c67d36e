"""The settings as the other rooms see them. Every duration is in seconds, every size in bytes, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Log:
    level: str  # error | warn | info | debug
    formatter: str  # text | json | logstash
    fields: tuple[tuple[str, str], ...]  # added to every line
    access_log: bool


@dataclass(frozen=True, slots=True)
class Storage:
    root: Path
    delete_enabled: bool
    read_only: bool  # storage.maintenance.readonly: hits are served, misses stream through
    partial_age_s: float  # storage.maintenance.uploadpurging.age
    in_memory: bool = False  # storage.inmemory: `root` is where the system offers memory, and nothing stays there


@dataclass(frozen=True, slots=True)
class Tls:
    certificate: Path  # leaf plus intermediates
    key: Path
    client_cas: tuple[Path, ...]
    client_auth: str  # "none" without client_cas, else one of the registry's four words
    minimum_version: str  # "tls1.2" | "tls1.3"
    ciphers: tuple[str, ...]  # OpenSSL names; empty = the library's default; TLS 1.3 suites are not affected


@dataclass(frozen=True, slots=True)
class Http:
    network: str  # "tcp" | "unix"
    host: str  # "" = every interface; for unix the socket's path
    port: int
    prefix: str  # "/" or "/some/prefix/"
    external_url: str  # http.host, "" if unset
    tls: Tls | None
    drain_timeout_s: float
    headers: tuple[tuple[str, str], ...]  # added to every answer


@dataclass(frozen=True, slots=True)
class Debug:
    host: str
    port: int
    metrics_path: str | None  # None: metrics are off


@dataclass(frozen=True, slots=True)
class FileCheck:
    """Unhealthy while the file exists: the operator's switch to take a cache out of service."""

    path: Path
    interval_s: float


@dataclass(frozen=True, slots=True)
class HttpCheck:
    url: str
    headers: tuple[tuple[str, str], ...]
    status: int
    timeout_s: float
    interval_s: float
    threshold: int


@dataclass(frozen=True, slots=True)
class TcpCheck:
    address: str
    timeout_s: float
    interval_s: float
    threshold: int


@dataclass(frozen=True, slots=True)
class Health:
    storage_interval_s: float | None  # None: storagedriver check is off
    storage_threshold: int
    files: tuple[FileCheck, ...]
    https: tuple[HttpCheck, ...]
    tcps: tuple[TcpCheck, ...]


@dataclass(frozen=True, slots=True)
class Upstream:
    """The next hop. `authoritative` is False only for the caches of DTR 2.2's map form, whose origin is tried last."""

    scheme: str  # http | https
    host: str
    port: int
    authoritative: bool = True

    @property
    def url(self) -> str:
        """`scheme://host[:port]`, the port left out where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return f"{self.scheme}://{host}" + ("" if self.port == default else f":{self.port}")


@dataclass(frozen=True, slots=True)
class Registry:
    """Who is asked for what a client wants of one registry, and by which rules. Mode `upstream` may have several, each
    with a `name` (its path prefix), `namespaces` (containerd's `ns`) and `hosts` (names of this cache, host[:port], at
    which it is the only one); the one without a name is asked where a request names none."""

    name: str
    namespaces: tuple[str, ...]
    hosts: tuple[str, ...]
    upstreams: tuple[Upstream, ...]
    cas: tuple[Path, ...]
    redirect_hosts: tuple[str, ...]
    realm_hosts: tuple[str, ...]
    verdict_ttl_s: float
    offline_limit_s: float | None  # how long an upstream's last answer counts while it is away; None: not at all


@dataclass(frozen=True, slots=True)
class Downstream:
    """The `downstream` middleware: the vendor's three options and our additions."""

    upstreams: tuple[Upstream, ...]
    cas: tuple[Path, ...]
    blob_ttl_s: float | None  # None: blobs do not expire
    authorization: str  # grant | upstream
    max_size_bytes: int | None
    min_free_fraction: float | None  # of the volume, 0.05 = 5 %
    min_free_bytes: int | None  # exactly one of the two is set
    clock_skew_s: float
    verdict_ttl_s: float
    redirect_hosts: tuple[str, ...]  # host[:port], lower case
    realm_hosts: tuple[str, ...]  # host[:port], lower case: token services besides the upstreams themselves
    stall_timeout_s: float
    max_fills: int  # fills at the same time
    max_fill_bytes_per_s: int | None  # cap on what comes from upstreams in total
    offline_limit_s: float | None = None  # as in Registry
    registries: tuple[Registry, ...] = ()  # the named ones

    @property
    def unnamed(self) -> Registry:
        """What the middleware's own options say; without `upstreams` there is no such registry."""
        return Registry(
            "",
            (),
            (),
            self.upstreams,
            self.cas,
            self.redirect_hosts,
            self.realm_hosts,
            self.verdict_ttl_s,
            self.offline_limit_s,
        )

    @property
    def every_registry(self) -> tuple[Registry, ...]:
        """The unnamed one first, where there is one."""
        return ((self.unnamed,) if self.upstreams else ()) + self.registries


@dataclass(frozen=True, slots=True)
class Settings:
    source: Path
    log: Log
    storage: Storage
    http: Http
    debug: Debug | None
    health: Health
    downstream: Downstream
    warnings: tuple[str, ...]  # sentences for the start-up log
