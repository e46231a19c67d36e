# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""How each region's cache stands, judged from what the host, the cache and DTR said. Pure.

Owns what counts as sick and what as worth a look, and the sentence for it. How it is drawn is fleet_markup's. Rule for
editors: what was not found out is said to be unknown, never taken for well."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

SICK, CARE, WELL = "sick", "care", "well"
_WORST_FIRST = (SICK, CARE, WELL)
_HEALTH = {
    "sick": (SICK, "a check of the cache fails"),
    "not-ready": (SICK, "the cache is not ready for clients"),
    "by-memory": (CARE, "serves by memory: no upstream has answered lately"),
}


def judged_regions(
    regions: Sequence[Mapping],
    hosts: Mapping[str, Mapping],
    caches: Sequence[Mapping] | None,
    accounts: Sequence[Mapping] | None,
    days: int,
) -> list[dict]:
    """A row for each region that one of `hosts` is in, the sick first. `caches` or `accounts` None: DTR did not say."""
    asked = [region for region in regions if not hosts.keys().isdisjoint(region["hosts"])]
    rows = [_region_row(region, hosts, caches, accounts, days) for region in asked]
    return sorted(rows, key=lambda row: (_WORST_FIRST.index(row["state"]), row["region"]))


def _region_row(region: Mapping, hosts: Mapping, caches: Sequence | None, accounts: Sequence | None, days: int) -> dict:
    members = [host_row(name, hosts[name], days) for name in region["hosts"] if name in hosts]
    registered, of_registration = _registration(region, caches)
    users, missing, of_accounts = _accounts(region, accounts)
    found = [*of_registration, *of_accounts]
    states = [member["state"] for member in members] + [state for state, _words in found]
    return {
        "region": str(region["region"]),
        "name": str(region["name"]),
        "address": str(region["host"]),
        "parent": str(region["parent"] or "DTR"),
        "state": worst(states),
        "why": [words for _state, words in found],
        "hosts": members,
        "registered": registered,
        "users": users,
        "missing": missing,
    }


def worst(states: Sequence[str]) -> str:
    return min(states, key=_WORST_FIRST.index, default=WELL)


def host_row(name: str, told: Mapping, days: int) -> dict:
    """`told` as the playbook's steps/fleet.yml gathers it for a host."""
    status, facts = told.get("status") or {}, told.get("facts") or {}
    space, certificate = status.get("space") or {}, facts.get("certificate") or {}
    found = _problems(told, status, certificate, days)
    served = list(status.get("days") or [])[-7:]
    requests, hits = sum(day["requests"] for day in served), sum(day["hits"] for day in served)
    return {
        "host": name,
        "state": worst([state for state, _words in found]),
        "why": [words for _state, words in found],
        "version": str(status.get("release") or facts.get("version") or ""),
        "certificate_days": certificate.get("days_left"),
        "certificate_ends": str(certificate.get("not_after") or "")[:10],
        "used_bytes": space.get("used_bytes"),
        "max_bytes": space.get("max_bytes"),
        "free_bytes": space.get("free_bytes") or facts.get("free_bytes") or None,
        "total_bytes": space.get("total_bytes"),
        "hit_ratio": hits / requests if requests else None,
        "requests": requests,
        "listens": bool(status),
    }


def _problems(told: Mapping, status: Mapping, certificate: Mapping, days: int) -> list[tuple[str, str]]:
    found = []
    if not told.get("reached"):
        found.append((SICK, f"Ansible does not reach the host: {told.get('problem') or 'no reason given'}"))
    elif told.get("problem"):
        found.append((SICK, str(told["problem"])))
    if told.get("answers"):
        # A cache that says that it is well may only be out of this machine's reach.
        words = f"no answer to this machine from the region's address: {plainly(told['answers'])}"
        found.append((CARE if status else SICK, words))
    health = status.get("health") or {}
    if health.get("state") in _HEALTH:
        state, words = _HEALTH[health["state"]]
        reasons = [f"{check['name']}: {check['reason']}" for check in health.get("checks", []) if check["reason"]]
        found.append((state, "; ".join([words, *reasons])))
    left = certificate.get("days_left")
    if left is not None and left < days:
        words = f"its certificate {'ended' if left < 0 else 'ends'} on {str(certificate['not_after'])[:10]}"
        found.append((SICK if left < 0 else CARE, words))
    return found


def plainly(words: str) -> str:
    """What Ansible's module for URLs says, without its own part in it."""
    words = re.sub(r"^Status code was -?\d+ and not \[[\d, ]+\]: (?:Request failed: )?", "", str(words))
    return re.sub(r"^<\w+ error (?:\[Errno -?\d+\] )?(.*)>$", r"\1", words)


def _registration(region: Mapping, caches: Sequence | None) -> tuple[str, list[tuple[str, str]]]:
    if caches is None:
        return "unknown", [(CARE, "DTR did not say whether it knows the cache")]
    known = {str(cache["name"]): str(cache["host"]) for cache in caches}
    host = known.get(str(region["name"]))
    if host is None:
        return "missing", [(SICK, f"DTR does not know a cache named {region['name']}")]
    if host.rstrip("/") != str(region["host"]).rstrip("/"):
        return "wrong", [(SICK, f"DTR sends its users to {host}")]
    return "right", []


def _accounts(region: Mapping, accounts: Sequence | None) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Who uses it, who of the inventory does not, and what to say about that."""
    if accounts is None:
        return [], [], [(CARE, "DTR did not say who uses it")]
    using = sorted(str(one["account"]) for one in accounts if one["content_cache"] == region["name"])
    missing = sorted(set(map(str, region["accounts"])) - set(using))
    return using, missing, [(CARE, f"not using it, though listed: {', '.join(missing)}")] if missing else []
