"""What of a changed configuration waits for the next start. Pure; what is taken up at once is `life.py`.

Rule for editors: a key is either applied by a reload or named here, so that no change is silently without effect.
"""

from __future__ import annotations

from dataclasses import replace

from .settings.model import Http, Settings


def waits_for_a_start(old: Settings, new: Settings) -> list[str]:
    """The keys that differ and that a running cache cannot take up, as an operator writes them. Empty: none."""
    pairs = [
        ("storage.filesystem.rootdirectory", old.storage.root, new.storage.root),
        ("storage.inmemory", old.storage.in_memory, new.storage.in_memory),
        ("storage.maintenance.readonly", old.storage.read_only, new.storage.read_only),
        ("storage.maintenance.uploadpurging", old.storage.partial_age_s, new.storage.partial_age_s),
        ("http", _bound_at_start(old.http), _bound_at_start(new.http)),
        ("http.tls", old.http.tls is None, new.http.tls is None),
        ("http.debug", old.debug, new.debug),
        ("health", old.health, new.health),
        ("clockskew", old.downstream.clock_skew_s, new.downstream.clock_skew_s),
        ("stalltimeout", old.downstream.stall_timeout_s, new.downstream.stall_timeout_s),
        ("verdictttl", old.downstream.verdict_ttl_s, new.downstream.verdict_ttl_s),
        ("realmhosts", old.downstream.realm_hosts, new.downstream.realm_hosts),
        ("redirecthosts", old.downstream.redirect_hosts, new.downstream.redirect_hosts),
        ("registries", old.downstream.registries, new.downstream.registries),
        ("upstreams", bool(old.downstream.upstreams), bool(new.downstream.upstreams)),
        ("offline", old.downstream.offline_limit_s, new.downstream.offline_limit_s),
        ("maxfills", old.downstream.max_fills, new.downstream.max_fills),
        ("authorization", old.downstream.authorization, new.downstream.authorization),
    ]
    return [name for name, before, after in pairs if before != after]


def _bound_at_start(http: Http) -> Http:
    return replace(http, drain_timeout_s=0, tls=None)
