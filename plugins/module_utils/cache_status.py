# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""What the Cache-Status header (RFC 9211) says about the cache next to the client.

Owns the reading of that header. Pure. Rule: what cannot be read is no hit, never an error.
"""

from __future__ import annotations

import re

MEMBERS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
PARAMETERS = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*")+')


def is_hit(header):
    """Whether the last cache of the list, the one that answered, had it."""
    members = MEMBERS.findall(header or "")
    if not members:
        return False
    parameters = [one.strip().lower() for one in PARAMETERS.findall(members[-1])[1:]]
    return "hit" in parameters or "hit=?1" in parameters
