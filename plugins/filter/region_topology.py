# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""From the inventory's hosts to regions in the order of their deployment, or every mistake in them. Pure.

A region is the set of hosts that say the same content_cache_name; its key is the inventory group that holds exactly
these hosts. Owns the rules between regions (parents, loops, levels, duplicates); what a single host's options must
look like is host_mistakes' business. Rule for editors: all mistakes are said at once, before anything changes."""

from __future__ import annotations

DOCUMENTATION = r"""
name: region_topology
short_description: The inventory's regions, parents before children
version_added: 0.1.0
description:
  - Groups the hosts of C(content_caches) into regions, finds each region's upstreams, sorts parents before children.
  - Fails with one sentence for each mistake in the inventory, all of them at once.
options:
  _input:
    description:
      - A list with one dictionary for each host of the group C(content_caches), with C(host) (its inventory name) and
        the variables C(content_cache_name), C(content_cache_host), C(content_cache_parent), C(content_cache_node_url),
        C(content_cache_ca), C(content_cache_accounts) as far as the inventory defines them.
    type: list
    elements: dict
    required: true
  groups:
    description: Ansible's C(groups), group name to host names.
    type: dict
    required: true
  dtr_url:
    description: Address of DTR, the upstream of regions without a parent.
    type: str
    required: true
  dtr_ca:
    description: CA of DTR's certificate, PEM text or a path; empty if the system's own CAs vouch for it.
    type: str
    default: ""
  account:
    description:
      - Who asks DTR, where the play asks it. C(username) is his name, C(secret) whether there is a password or a token.
      - Without it nothing is said of credentials.
    type: dict
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Regions in the order of their deployment
  ansible.builtin.debug:
    msg: "{{ hosts | dtr.caches.region_topology(groups, 'https://dtr.example.com') }}"
  vars:
    hosts:
      - {host: asia-1, content_cache_name: region-asia, content_cache_host: "https://asia.example.com:5000"}
"""

RETURN = r"""
_value:
  description: Regions, parents before children.
  type: list
  elements: dict
  contains:
    region:
      description: The inventory group, or the cache's name where no group holds exactly the region's hosts.
      type: str
    name:
      description: The cache's name in DTR.
      type: str
    host:
      description: The address that DTR sends clients to.
      type: str
    parent:
      description: The region that it pulls from; empty for DTR.
      type: str
    level:
      description: 1 pulls from DTR, 2 pulls from a region of level 1.
      type: int
    upstreams:
      description: Addresses that its caches pull from.
      type: list
      elements: str
    cas:
      description: CAs of these addresses, PEM text or paths on the controller.
      type: list
      elements: str
    accounts:
      description: Accounts that use it.
      type: list
      elements: str
    hosts:
      description: Inventory names of its machines.
      type: list
      elements: str
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from ansible.errors import AnsibleFilterError

DEEPEST_LEVEL = 2
_ORIGIN = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_REQUIRED = {"content_cache_name": "region-asia", "content_cache_host": "https://cache.example.com:5000"}
_GENERAL = ("all", "ungrouped", "content_caches")
_TEXTS = (*_REQUIRED, "content_cache_parent", "content_cache_node_url", "content_cache_ca")
_SHARED = ("content_cache_host", "content_cache_parent", "content_cache_ca", "content_cache_accounts")


def region_topology(
    hosts: Sequence[Mapping], groups: Mapping, dtr_url: str, dtr_ca: str = "", account: Mapping | None = None
) -> list[dict]:
    """Regions, parents before children; raise AnsibleFilterError that holds every mistake, one sentence a line."""
    shapes = {host["host"]: list(_wrong_shapes(host)) for host in hosts}
    sound = [host for host in hosts if not shapes[host["host"]]]
    mistakes = [*chain(*shapes.values()), *_mistakes_of_hosts(sound), *_mistakes_of_dtr(dtr_url, account)]
    regions = _regions([host for host in sound if host.get("content_cache_name")], groups, mistakes)
    in_regions = {member["host"] for region in regions.values() for member in region["members"]}
    _resolve_parents(regions, groups, set(shapes) - in_regions, mistakes)
    _set_levels(regions, mistakes)
    mistakes += _duplicates(regions)
    if not hosts:
        mistakes.append("content_caches: found no hosts in this inventory group, wanted a child group for each region.")
    if mistakes:
        raise AnsibleFilterError("The inventory cannot be deployed.\n" + "\n".join(mistakes))
    for region in regions.values():
        _set_upstreams(region, regions, dtr_url, dtr_ca)
    return sorted((_told(region) for region in regions.values()), key=lambda told: (told["level"], told["region"]))


def _wrong_shapes(host: Mapping) -> Iterable[str]:
    """A host that this is said of is left out of every later rule, which may rely on the shapes."""
    for name in _TEXTS:
        value = host.get(name)
        if isinstance(value, (bool, int, float, Mapping, list, tuple)):
            yield f"host {host['host']}: {name}: found '{value}', wanted text."
    accounts = host.get("content_cache_accounts")
    if accounts in (None, ""):
        return
    if isinstance(accounts, str) or not isinstance(accounts, Sequence) or not all(map(_is_text, accounts)):
        yield f"host {host['host']}: content_cache_accounts: found '{accounts}', wanted a list of account names."


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _mistakes_of_hosts(hosts: Sequence[Mapping]) -> Iterable[str]:
    for host in hosts:
        for name, example in _REQUIRED.items():
            if not host.get(name):
                yield f"host {host['host']}: found no {name}, wanted it in its region's variables, such as {example}."
        for name in ("content_cache_host", "content_cache_node_url"):
            value = host.get(name)
            if value and not _ORIGIN.fullmatch(str(value)):
                yield f"host {host['host']}: {name}: found '{value}', wanted http(s)://host[:port] without a path."


def _mistakes_of_dtr(dtr_url: str, account: Mapping | None) -> Iterable[str]:
    if not _ORIGIN.fullmatch(str(dtr_url or "").rstrip("/")):
        yield f"dtr_url: found '{dtr_url or ''}', wanted the address of DTR, for example https://dtr.example.com."
    if account is not None and not account["username"]:
        yield "dtr_username: found nothing, wanted the name of a system administrator of DTR, beside dtr_url."
    if account is not None and not account["secret"]:
        yield (
            "dtr_token and dtr_password: found neither, or empty ones, wanted an access token or the password of "
            "dtr_username."
        )


def _regions(hosts: Sequence[Mapping], groups: Mapping, mistakes: list[str]) -> dict[str, dict]:
    """Regions by cache name. Hosts of one region must agree on everything that belongs to the region."""
    regions: dict[str, dict] = {}
    for host in hosts:
        region = regions.setdefault(host["content_cache_name"], {"first": host, "members": []})
        region["members"].append(host)
        for name in _SHARED:
            mine, theirs = host.get(name), region["first"].get(name)
            if (mine or None) != (theirs or None):
                mistakes.append(
                    f"{name}: found '{theirs or ''}' for host {region['first']['host']} and '{mine or ''}' for host "
                    f"{host['host']}, which both have content_cache_name {host['content_cache_name']}; wanted one "
                    "value for a region, and another name for another region."
                )
    for name, region in regions.items():
        region["name"], region["hosts"] = name, [member["host"] for member in region["members"]]
        region["region"] = _group_of(region["hosts"], groups) or name
    return regions


def _group_of(hosts: Sequence[str], groups: Mapping) -> str:
    """The group with exactly these hosts. A region that is the only one shares its hosts with `content_caches`."""
    exact = [group for group in groups if group not in _GENERAL and set(groups[group]) == set(hosts)]
    return str(exact[0]) if exact else ""


def _resolve_parents(regions: dict[str, dict], groups: Mapping, faulty: set[str], mistakes: list[str]) -> None:
    """Set `parent` (a region's name, or None for DTR) and `through` (the parent's hosts that are pulled through).
    Of a group with `faulty` hosts, which are in no region, nothing more is said."""
    name_of = {member["host"]: name for name, region in regions.items() for member in region["members"]}
    for region in regions.values():
        wanted = region["first"].get("content_cache_parent") or None
        region["parent"], region["through"] = None, []
        if wanted is None:
            continue
        members = groups.get(wanted, [])
        if any(host in faulty for host in members):
            continue
        found = {name_of.get(host) for host in members}
        shared = [host for host in members if host in region["hosts"]]
        if wanted not in _GENERAL and shared and set(members) != set(region["hosts"]):
            mistakes.append(
                f"region {region['region']}: content_cache_parent: found '{wanted}', and in that group "
                f"{_hosts(shared)} of {region['region']} as well; wanted each host in the group of one region."
            )
        elif len(found) != 1 or None in found:
            known = ", ".join(sorted(other["region"] for other in regions.values()
                                     if other is not region and other["region"] in groups)) or "none"
            why = "no group of this inventory" if wanted not in groups else "not the group of one region"
            if wanted not in _GENERAL and len(found - {None}) > 1:
                why += f": {', '.join(f'{host} is of {name_of.get(host)}' for host in members)}"
            mistakes.append(
                f"region {region['region']}: content_cache_parent: found '{wanted}', which is {why}; wanted another "
                f"region ({known}), or no parent to pull from DTR."
            )
        else:
            region["parent"], region["through"] = found.pop(), list(members)


def _hosts(names: Sequence[str]) -> str:
    return f"{'host' if len(names) == 1 else 'hosts'} {', '.join(names)}"


def _set_levels(regions: dict[str, dict], mistakes: list[str]) -> None:
    told: set[frozenset[str]] = set()
    for region in regions.values():
        way = [region]
        while way[-1]["parent"] is not None:
            step = regions[way[-1]["parent"]]
            if step in way:
                loop = way[way.index(step):]
                if frozenset(each["name"] for each in loop) not in told:
                    told.add(frozenset(each["name"] for each in loop))
                    names = " → ".join(each["region"] for each in [*loop, step])
                    mistakes.append(f"content_cache_parent: found the loop {names}, wanted a way that ends at DTR.")
                break
            way.append(step)
        else:
            region["level"] = len(way)
            if len(way) > DEEPEST_LEVEL:
                names = " → ".join([*(each["region"] for each in way), "DTR"])
                mistakes.append(
                    f"region {region['region']}: content_cache_parent: found the chain {names}, wanted at most "
                    f"{DEEPEST_LEVEL} caches between a client and DTR; more make pulls slower."
                )


def _duplicates(regions: dict[str, dict]) -> Iterable[str]:
    seen: dict[str, str] = {}
    for region in regions.values():
        host = str(region["first"].get("content_cache_host") or "").rstrip("/")
        if host and host in seen:
            yield (
                f"content_cache_host: found {host} for the regions {seen[host]} and {region['region']}, wanted an "
                "address for each region."
            )
        seen.setdefault(host, region["region"])
    owner: dict[str, str] = {}
    for region in regions.values():
        for account in region["first"].get("content_cache_accounts") or []:
            if owner.setdefault(account, region["region"]) != region["region"]:
                yield (
                    f"content_cache_accounts: found {account} in the regions {owner[account]} and {region['region']}, "
                    "wanted it in one; an account uses one cache."
                )


def _set_upstreams(region: dict, regions: dict[str, dict], dtr_url: str, dtr_ca: str) -> None:
    parent = regions.get(region["parent"]) if region["parent"] else None
    if parent is None:
        region["upstreams"], region["cas"] = [dtr_url.rstrip("/")], [dtr_ca] if dtr_ca else []
        return
    members = [member for member in parent["members"] if member["host"] in region["through"]]
    urls = [str(member.get("content_cache_node_url") or member["content_cache_host"]) for member in members]
    region["upstreams"] = list(dict.fromkeys(urls))
    ca = parent["first"].get("content_cache_ca")
    region["cas"] = [ca] if ca else []


def _told(region: dict) -> dict:
    parent_name = region["first"].get("content_cache_parent") or ""
    return {
        "region": region["region"],
        "name": region["name"],
        "host": str(region["first"]["content_cache_host"]),
        "parent": parent_name,
        "level": region["level"],
        "upstreams": region["upstreams"],
        "cas": region["cas"],
        "accounts": list(region["first"].get("content_cache_accounts") or []),
        "hosts": region["hosts"],
    }


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"region_topology": region_topology}
