# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""How every region stands, as one file for a browser. The drawing is plugin_utils/fleet_markup.py.

Owns the filter's options. Rule for editors: it judges nothing; that is fleet_rows."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_page
short_description: A page about the caches of all regions
version_added: 0.1.0
description:
  - One HTML file that needs nothing else, has no script, and can be read on a phone, by day and by night.
options:
  _input:
    description: What P(dtr.caches.fleet_rows#filter) returns.
    type: list
    elements: dict
    required: true
  made_at:
    description: When it was made, in words.
    type: str
    required: true
  dtr:
    description: Address of DTR.
    type: str
    required: true
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Write the page
  ansible.builtin.copy:
    content: "{{ rows | dtr.caches.fleet_page('today', dtr_url) }}"
    dest: caches.html
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The file's content.
  type: str
"""

from collections.abc import Callable

from ansible_collections.dtr.caches.plugins.plugin_utils.fleet_markup import fleet_document


def fleet_page(rows: list[dict], made_at: str, dtr: str) -> str:
    """The page's HTML."""
    return fleet_document(rows, str(made_at), str(dtr))


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"fleet_page": fleet_page}
