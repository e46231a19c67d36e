"""From what was read, with its defaults, to the frozen settings of model.py. Nothing can be wrong any more here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .model import (
    Debug,
    Downstream,
    FileCheck,
    Health,
    Http,
    HttpCheck,
    Log,
    Registry,
    Settings,
    Storage,
    TcpCheck,
    Tls,
)
from .reading import Section


def build(
    source: Path, top: Section, address: tuple[str, int], options: Section, warnings: tuple[str, ...]
) -> Settings:
    log, http = top["log"], top["http"]
    return Settings(
        source=source,
        log=Log(
            level=log["level"] or top["loglevel"] or "info",
            formatter=log["formatter"],
            fields=log["fields"],
            access_log=not log["accesslog"]["disabled"],
        ),
        storage=_storage(top["storage"]),
        http=Http(
            network=http["net"],
            host=address[0],
            port=address[1],
            prefix=http["prefix"],
            external_url=http["host"],
            tls=_tls(http["tls"]),
            drain_timeout_s=http["draintimeout"],
            headers=http["headers"],
        ),
        debug=_debug(http["debug"]),
        health=_health(top["health"]),
        downstream=_downstream(options),
        warnings=warnings,
    )


def _storage(storage: Section) -> Storage:
    maintenance, in_memory = storage["maintenance"], "inmemory" in storage.points
    return Storage(
        root=Path("/dev/shm") if in_memory else storage["filesystem"]["rootdirectory"],  # noqa: S108
        delete_enabled=storage["delete"]["enabled"],
        read_only=maintenance["readonly"]["enabled"],
        partial_age_s=maintenance["uploadpurging"]["age"],
        in_memory=in_memory,
    )


def _tls(tls: Section) -> Tls | None:
    if tls["certificate"] is None:
        return None
    only_tls13 = bool(tls["ciphersuites"]) and not any(tls["ciphersuites"])
    clients = tls["clientcas"]
    return Tls(
        certificate=tls["certificate"],
        key=tls["key"],
        client_cas=clients,
        client_auth=(tls["clientauth"] or "require-and-verify-client-cert") if clients else "none",
        minimum_version="tls1.3" if only_tls13 else tls["minimumtls"],
        ciphers=tuple(dict.fromkeys(name for name in tls["ciphersuites"] if name)),
    )


def _debug(debug: Section) -> Debug | None:
    if debug["addr"] is None:
        return None
    metrics = debug["prometheus"]
    host, port = debug["addr"]
    return Debug(host, port, metrics["path"] if metrics["enabled"] else None)


def _health(health: Section) -> Health:
    storage = health["storagedriver"]
    return Health(
        storage_interval_s=storage["interval"] if storage["enabled"] else None,
        storage_threshold=max(1, storage["threshold"]),
        files=tuple(FileCheck(check["file"], check["interval"]) for check in health["file"]),
        https=tuple(
            HttpCheck(
                url=check["uri"],
                headers=check["headers"],
                status=check["statuscode"],
                timeout_s=check["timeout"],
                interval_s=check["interval"],
                threshold=max(1, check["threshold"]),  # the registry's 0 is "the first failure counts", as is 1
            )
            for check in health["http"]
        ),
        tcps=tuple(
            TcpCheck(check["addr"], check["timeout"], check["interval"], max(1, check["threshold"]))
            for check in health["tcp"]
        ),
    )


def _downstream(options: Section) -> Downstream:
    fraction, count = options["minfree"]
    return Downstream(
        upstreams=options["upstreams"],
        cas=options["cas"],
        blob_ttl_s=options["blobttl"],
        authorization=options["authorization"],
        max_size_bytes=options["maxsize"],
        min_free_fraction=fraction,
        min_free_bytes=count,
        clock_skew_s=options["clockskew"],
        verdict_ttl_s=options["verdictttl"],
        redirect_hosts=options["redirecthosts"],
        realm_hosts=options["realmhosts"],
        stall_timeout_s=options["stalltimeout"],
        max_fills=options["maxfills"],
        max_fill_bytes_per_s=options["maxfillrate"],
        offline_limit_s=options["offlinelimit"] if options["offline"] == "serve" else None,
        registries=tuple(_registry(each, options) for each in options["registries"]),
    )


def _registry(own: Section, options: Section) -> Registry:
    """Hosts that may be sent elsewhere are each registry's own; the other rules are the middleware's by default."""

    def ruled(key: str) -> Any:
        return options[key] if own[key] is None else own[key]

    return Registry(
        name=own["name"],
        namespaces=(own["name"],) if own["ns"] is None else own["ns"],
        hosts=own["hosts"],
        upstreams=own["upstreams"],
        cas=ruled("cas"),
        redirect_hosts=own["redirecthosts"],
        realm_hosts=own["realmhosts"],
        verdict_ttl_s=ruled("verdictttl"),
        offline_limit_s=ruled("offlinelimit") if ruled("offline") == "serve" else None,
    )
