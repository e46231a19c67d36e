# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Who uses what, for people: a line for each cache that DTR knows, for those that it forgot, and for DTR itself. Pure.

Owns the wording and the columns; the facts come from the info modules. Rule for editors: no account is left out of the
counts, and what needs somebody's attention says so in its line."""

from __future__ import annotations

DOCUMENTATION = r"""
name: usage_table
short_description: Who uses which content cache, as a table for people
version_added: 0.1.0
description:
  - One line for each content cache with the region of the inventory that it belongs to, its users and their number.
  - Two more lines for accounts that pull from DTR itself and for those whose cache DTR does not know any more.
options:
  _input:
    description: RV(dtr.caches.account_settings_info#module:accounts).
    type: list
    elements: dict
    required: true
  caches:
    description: RV(dtr.caches.content_cache_info#module:content_caches).
    type: list
    elements: dict
    required: true
  regions:
    description: Regions, as P(dtr.caches.region_topology#filter) returns them.
    type: list
    elements: dict
    required: true
  shown:
    description: How many names are shown of a long list.
    type: int
    default: 10
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Say who uses what
  ansible.builtin.debug:
    msg: "{{ usage.accounts | dtr.caches.usage_table(known.content_caches, content_cache_regions) }}"
"""

RETURN = r"""
_value:
  description: The table's lines.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping, Sequence

from ansible_collections.dtr.caches.plugins.plugin_utils.text_columns import text_columns

HEAD = ("content cache", "address", "region", "accounts", "who")


def usage_table(
    accounts: Sequence[Mapping], caches: Sequence[Mapping], regions: Sequence[Mapping], shown: int = 10
) -> list[str]:
    """The head, a line for each cache, then DTR and, if there are any, accounts with a forgotten cache."""
    region_of = {region["name"]: region["region"] for region in regions}
    rows = [HEAD]
    for cache in sorted(caches, key=lambda one: one["name"]):
        users = [one["account"] for one in accounts if one["content_cache"] == cache["name"]]
        region = region_of.get(cache["name"], "not in the inventory")
        rows.append((cache["name"], cache["host"], region, *_who(users, shown)))
    forgotten = [one["account"] for one in accounts if one["deregistered"]]
    directly = [one["account"] for one in accounts if not one["content_cache"] and not one["deregistered"]]
    rows.append(("(none)", "DTR itself", "", *_who(directly, shown)))
    if forgotten:
        rows.append(("(forgotten)", "DTR itself", "deregistered", *_who(forgotten, shown)))
    return text_columns(rows)


def _who(names: Sequence[str], shown: int) -> tuple[str, str]:
    """The number of names, and the first of them."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return str(len(names)), ", ".join(sorted(names)[:shown]) + more


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"usage_table": usage_table}
