# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""A deployment's last word: a line for each region, from what DTR says. Pure.

Owns the wording and the columns; the facts come from region_topology and the info modules. Rule for editors: a
person reads this in a terminal; keep a region on one line."""

from __future__ import annotations

DOCUMENTATION = r"""
name: region_table
short_description: A table of regions for people
version_added: 0.1.0
description:
  - One line for each region, with what it pulls from, whether DTR knows its cache, and how many of its accounts use it.
options:
  _input:
    description: Regions, as P(dtr.caches.region_topology#filter) returns them.
    type: list
    elements: dict
    required: true
  caches:
    description: RV(dtr.caches.content_cache_info#module:content_caches).
    type: list
    elements: dict
    required: true
  accounts:
    description: RV(dtr.caches.account_settings_info#module:accounts).
    type: list
    elements: dict
    required: true
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Say what stands now
  ansible.builtin.debug:
    msg: "{{ content_cache_regions | dtr.caches.region_table(known.content_caches, usage.accounts) }}"
"""

RETURN = r"""
_value:
  description: The table's lines.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping, Sequence

from ansible_collections.dtr.caches.plugins.plugin_utils.text_columns import text_columns

HEAD = ("region", "address", "pulls from", "in DTR", "accounts")


def region_table(regions: Sequence[Mapping], caches: Sequence[Mapping], accounts: Sequence[Mapping]) -> list[str]:
    """The head and a line for each region, in columns."""
    host_in_dtr = {cache["name"]: str(cache["host"]) for cache in caches}
    uses = {account["account"]: account["content_cache"] for account in accounts}
    return text_columns([HEAD, *(_row(region, host_in_dtr.get(region["name"]), uses) for region in regions)])


def _row(region: Mapping, host_in_dtr: str | None, uses: Mapping[str, str]) -> tuple[str, ...]:
    wanted = list(region["accounts"])
    using = sum(uses.get(account) == region["name"] for account in wanted)
    if host_in_dtr is None:
        registered = "no"
    else:
        registered = "yes" if host_in_dtr.rstrip("/") == region["host"].rstrip("/") else f"as {host_in_dtr}"
    return (
        str(region["region"]),
        str(region["host"]),
        str(region["parent"] or "DTR"),
        registered,
        f"{using} of {len(wanted)}" if wanted else "none asked for",
    )


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"region_table": region_table}
