"""What of a changed configuration a running cache takes up, and what waits for the next start. Pure; how it is taken up
is `life.py`.

Rule for editors: a key is either taken up by a reload or named here, so that no change is silently without effect; and
what is in use never holds a value that waits, or the parts that look at it would take up half of a change.
"""

from __future__ import annotations

from dataclasses import replace

from .settings.model import Downstream, Http, Settings


def in_use(running: Settings, read: Settings) -> Settings:
    """What a running cache goes by when `read` is what its file says now: what waits for a start is as it was."""
    has_tls = running.http.tls is not None and read.http.tls is not None
    return replace(
        read,
        storage=replace(running.storage, delete_enabled=read.storage.delete_enabled),
        http=replace(
            running.http,
            drain_timeout_s=read.http.drain_timeout_s,
            tls=read.http.tls if has_tls else running.http.tls,
        ),
        debug=running.debug,
        health=running.health,
        downstream=_downstream_in_use(running.downstream, read.downstream),
    )


def _downstream_in_use(running: Downstream, read: Downstream) -> Downstream:
    """Whom to ask is taken up only where the rules by which they are asked stay: for another mode of authorization the
    upstreams, and whose word on their certificates counts, may be others altogether."""
    same_rules = running.authorization == read.authorization and bool(running.upstreams) == bool(read.upstreams)
    asked = read if same_rules else running
    return replace(
        running,
        upstreams=asked.upstreams,
        cas=asked.cas,
        blob_ttl_s=read.blob_ttl_s,
        max_size_bytes=read.max_size_bytes,
        min_free_fraction=read.min_free_fraction,
        min_free_bytes=read.min_free_bytes,
        max_fill_bytes_per_s=read.max_fill_bytes_per_s,
    )


def waits_for_a_start(used: Settings, read: Settings) -> list[str]:
    """The keys in which what is in use is not what was read, as an operator writes them. Empty: none."""
    pairs = [
        ("storage.filesystem.rootdirectory", used.storage.root, read.storage.root),
        ("storage.inmemory", used.storage.in_memory, read.storage.in_memory),
        ("storage.maintenance.readonly", used.storage.read_only, read.storage.read_only),
        ("storage.maintenance.uploadpurging", used.storage.partial_age_s, read.storage.partial_age_s),
        ("http", _bound_at_start(used.http), _bound_at_start(read.http)),
        ("http.tls", used.http.tls is None, read.http.tls is None),
        ("http.debug", used.debug, read.debug),
        ("health", used.health, read.health),
        ("clockskew", used.downstream.clock_skew_s, read.downstream.clock_skew_s),
        ("stalltimeout", used.downstream.stall_timeout_s, read.downstream.stall_timeout_s),
        ("verdictttl", used.downstream.verdict_ttl_s, read.downstream.verdict_ttl_s),
        ("realmhosts", used.downstream.realm_hosts, read.downstream.realm_hosts),
        ("redirecthosts", used.downstream.redirect_hosts, read.downstream.redirect_hosts),
        ("registries", used.downstream.registries, read.downstream.registries),
        ("upstreams", used.downstream.upstreams, read.downstream.upstreams),
        ("cas", used.downstream.cas, read.downstream.cas),
        ("offline", used.downstream.offline_limit_s, read.downstream.offline_limit_s),
        ("maxfills", used.downstream.max_fills, read.downstream.max_fills),
        ("authorization", used.downstream.authorization, read.downstream.authorization),
    ]
    return [name for name, before, after in pairs if before != after]


def _bound_at_start(http: Http) -> Http:
    return replace(http, drain_timeout_s=0, tls=None)
